"""What `paidonce doctor` looks at, a module for each thing."""
