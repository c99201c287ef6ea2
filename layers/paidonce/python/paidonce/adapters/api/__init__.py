"""What the functions behind the API share: requests bounded and read, errors said, routes told."""
