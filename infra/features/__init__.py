"""What a customer or an operator would name."""
