"""Paid Once: every payment charged once, every Stripe event applied once, nothing lost."""
