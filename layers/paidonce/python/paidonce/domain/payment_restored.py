"""A payment whose row was lost, begun anew from its intent's own words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain.ledger import DomainEvent
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
from paidonce.domain.payment import Creation, LastError, Payment, PaymentStatus

_OURS = "paidonce_"


def restored_payment(
    intent: Mapping[str, Any], at: str, last_told: DomainEvent | None = None
) -> Payment:
    """The row as the bus was last told of it; its rule adds what the intent shows.

    What was told is not told again, and versions go on from there: one that copies state skips a
    lower one. Of a row that was never told of, nothing is known yet (version 0).

    A payment is recorded before its intent is made, so an intent of ours without a row means that
    the row was lost. What Stripe does not hold stays lost: what the amount was computed from, and
    the hash of the caller's request, so that a repeat of it is another request. Raises KeyError for
    an intent without our marks.
    """
    marks = marks_of(intent)
    payment_id, attempt = str(marks[PAYMENT_MARK]), int(marks[ATTEMPT_MARK])
    user_id = marks.get(USER_MARK)
    begun = Payment(
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
    return begun if last_told is None else _as_told(begun, last_told)


def _as_told(begun: Payment, last_told: DomainEvent) -> Payment:
    view = last_told.object
    error: Mapping[str, Any] | None = view.get("last_error")
    return replace(
        begun,
        status=PaymentStatus(view["status"]),
        # Another intent with our marks is a stray, also to a row that was lost.
        payment_intent_id=view["payment_intent_id"],
        last_error=None if error is None else LastError(**error),
        version=last_told.version,
    )
