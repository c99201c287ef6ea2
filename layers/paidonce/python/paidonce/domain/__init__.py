"""What is true about money and events, in pure Python: no AWS, no Stripe library, no clock."""
