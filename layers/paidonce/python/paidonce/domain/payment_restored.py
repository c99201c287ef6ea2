"""A payment whose row was lost, begun anew from its intent's own words."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.moment import iso
from paidonce.domain.money import Money
from paidonce.domain.ownership import (
    ATTEMPT_MARK,
    ORDER_MARK,
    PAYMENT_MARK,
    USER_MARK,
    id_in,
    marks_of,
)
from paidonce.domain.payment import Creation, Payment

_OURS = "paidonce_"


def restored_payment(intent: Mapping[str, Any], at: str) -> Payment:
    """The row that nothing is known of yet (version 0); its rule adds what the intent shows.

    A payment is recorded before its intent is made, so an intent of ours without a row means that
    the row was lost. What Stripe does not hold stays lost: what the amount was computed from, and
    the hash of the caller's request, so that a repeat of it is another request. Raises KeyError for
    an intent without our marks.
    """
    marks = marks_of(intent)
    payment_id, attempt = str(marks[PAYMENT_MARK]), int(marks[ATTEMPT_MARK])
    user_id = marks.get(USER_MARK)
    return Payment(
        id=payment_id,
        order_id=str(marks[ORDER_MARK]),
        user_id=str(user_id) if user_id else None,
        money=Money(intent["amount"], intent["currency"]),
        created_at=iso(intent["created"]),
        updated_at=at,
        capture="manual" if intent.get("capture_method") == "manual" else "automatic",
        description=intent.get("description"),
        metadata={name: word for name, word in marks.items() if not name.startswith(_OURS)},
        customer_id=id_in(intent.get("customer")),
        creation=Creation(
            attempt=attempt,
            idempotency_key=f"{payment_id}_a{attempt}",
            params={},
            body_hash="",
            content_hash="",
            first_tried_at=intent["created"],
            last_tried_at=intent["created"],
        ),
        version=0,
    )
