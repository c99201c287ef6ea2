"""What objects do at the model Stripe, from Stripe's documentation; nothing of ours is imported."""
