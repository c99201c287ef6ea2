"""SQS: decide by rules, commit as one."""
