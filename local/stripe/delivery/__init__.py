"""How events go out to webhook endpoints."""
