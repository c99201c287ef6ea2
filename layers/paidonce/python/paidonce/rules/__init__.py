"""One file per Stripe object: pure functions that decide what its events mean for our state."""
