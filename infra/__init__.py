"""What Paid Once asks of AWS; it imports no product code."""
