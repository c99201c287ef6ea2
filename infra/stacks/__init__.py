"""A stack is a lifetime: storage outlives service, and alarms may go and come."""
