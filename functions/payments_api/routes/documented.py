"""The answers of a route as OpenAPI shows them: shared with the other functions of the API."""

from paidonce.adapters.api.documented import answers

__all__ = ["answers"]
