"""Stripe's OpenAPI document: the shipped part, parameters, skeletons, answers."""
