"""A stand-in for Stripe that its own library and command line accept; state lives in memory."""
