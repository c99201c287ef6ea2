"""One module per Stripe resource; importing this package fills the router."""
