"""The small pages that a customer sees: checkout and 3D Secure."""
