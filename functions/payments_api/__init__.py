"""Take payments and show them: the function behind the payments routes of the API."""
