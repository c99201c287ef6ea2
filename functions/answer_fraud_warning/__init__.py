"""SQS of a rule on the bus: refund warned payments that are small, tell people of the others."""
