"""One file per thing that the API shows; a route is a function with its answers beside it."""
