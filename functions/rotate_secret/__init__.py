"""Secrets Manager: rotate a secret in four steps."""
