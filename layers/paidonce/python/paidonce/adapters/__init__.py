"""The edges of Paid Once: the only modules that know boto3, Powertools and the Stripe library."""
