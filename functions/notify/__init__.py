"""SQS of a rule on the bus: tell customers and the back office. The consumer to copy."""
