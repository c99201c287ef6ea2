"""What happens when money is asked for: cards, charges, 3D Secure."""
