"""The request's body: shared with the other functions of the API."""

from paidonce.adapters.api.body import BODY_BYTES_MAX, FIELDS_MAX, refuse_card_data

__all__ = ["BODY_BYTES_MAX", "FIELDS_MAX", "refuse_card_data"]
