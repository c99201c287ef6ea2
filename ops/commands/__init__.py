"""The commands of `paidonce`, a module for each."""
