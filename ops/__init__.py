"""The operator's command line, `paidonce`."""
