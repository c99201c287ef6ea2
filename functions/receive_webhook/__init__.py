"""Is it Stripe? Then queue it."""
