"""On a schedule: look at Stripe for what never reached us."""
