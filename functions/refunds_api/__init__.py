"""Make refunds and show them: the function behind the refunds routes, with a key of its own."""
