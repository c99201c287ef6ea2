"""The `/_test` controls, for tests and demos only."""
