"""SQS: bring calls to Stripe whose outcome is not known to their end."""
