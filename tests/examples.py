"""Values that many tests begin with; each test changes what it is about."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.money import Money
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Creation, Payment
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_event import StripeEvent

STAGE = Stage(name="test", livemode=False)
NOON = 1_790_000_000  # a moment of Stripe's clock, whole seconds


def a_payment(**changes: Any) -> Payment:
    """A payment of 10.00 USD that has just been recorded; no call to Stripe yet."""
    values: dict[str, Any] = {
        "id": "pay_1",
        "order_id": "order-1",
        "user_id": "user-1",
        "money": Money(1000, "usd"),
        "created_at": "2026-09-21T13:33:20.000Z",
        "updated_at": "2026-09-21T13:33:20.000Z",
        "creation": Creation(
            attempt=1,
            idempotency_key="pay_1_a1",
            params={"amount": 1000, "currency": "usd"},
            body_hash="b",
            content_hash="c",
        ),
    }
    return Payment(**(values | changes))


def an_intent(status: str = "requires_payment_method", **changes: Any) -> dict[str, Any]:
    """Stripe's payment intent of `a_payment`, with our marks."""
    values: dict[str, Any] = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 1000 if status == "succeeded" else 0,
        "currency": "usd",
        "status": status,
        "customer": None,
        "latest_charge": "ch_1" if status in ("succeeded", "requires_capture") else None,
        "last_payment_error": None,
        "metadata": {
            "paidonce_stage": "test",
            "paidonce_payment": "pay_1",
            "paidonce_attempt": "1",
        },
    }
    return values | changes


def a_declined_intent(decline_code: str = "insufficient_funds") -> dict[str, Any]:
    """The intent after a failed attempt."""
    error = {"code": "card_declined", "decline_code": decline_code, "message": "Stripe's words"}
    return an_intent("requires_payment_method", last_payment_error=error)


def a_charge(status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A charge of that intent; Stripe copies the intent's marks onto it."""
    values: dict[str, Any] = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1000,
        "amount_captured": 1000,
        "captured": True,
        "currency": "usd",
        "metadata": an_intent()["metadata"],
        "payment_intent": "pi_1",
        "status": status,
    }
    return values | changes


def a_dispute(status: str = "needs_response", **changes: Any) -> dict[str, Any]:
    """A dispute over that charge; it carries no marks of ours."""
    values: dict[str, Any] = {
        "id": "du_1",
        "object": "dispute",
        "amount": 1000,
        "charge": "ch_1",
        "currency": "usd",
        "evidence_details": {"due_by": NOON + 9 * 86_400},
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": status,
    }
    return values | changes


def a_fraud_warning(**changes: Any) -> dict[str, Any]:
    """A card network's warning about that charge."""
    values: dict[str, Any] = {
        "id": "issfr_1",
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": "ch_1",
        "fraud_type": "made_with_stolen_card",
        "payment_intent": "pi_1",
    }
    return values | changes


def a_session(status: str = "complete", **changes: Any) -> dict[str, Any]:
    """Stripe's own page for that payment."""
    values: dict[str, Any] = {
        "id": "cs_1",
        "object": "checkout.session",
        "amount_total": 1000,
        "currency": "usd",
        "metadata": an_intent()["metadata"],
        "mode": "payment",
        "payment_intent": "pi_1",
        "payment_status": "paid" if status == "complete" else "unpaid",
        "status": status,
    }
    return values | changes


def an_event(
    event_type: str = "payment_intent.succeeded",
    found: Mapping[str, Any] | None = None,
    *,
    event_id: str = "evt_1",
    created: int = NOON,
    **changes: Any,
) -> StripeEvent:
    """An event about `found` (by default the succeeded intent of `a_payment`)."""
    return StripeEvent.from_document(a_payload(event_type, found, event_id, created) | changes)


def a_payload(
    event_type: str = "payment_intent.succeeded",
    found: Mapping[str, Any] | None = None,
    event_id: str = "evt_1",
    created: int = NOON,
) -> dict[str, Any]:
    """The same as Stripe writes it."""
    return {
        "id": event_id,
        "object": "event",
        "type": event_type,
        "created": created,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": an_intent("succeeded") if found is None else found},
        "request": {"id": "req_1", "idempotency_key": "pay_1_a1"},
        "pending_webhooks": 1,
    }


def a_look(found: Mapping[str, Any], at: int, *, source: Source = Source.PAYLOAD) -> Sighting:
    """A sighting at one second; a fetch or an answer took half a second."""
    if source is Source.PAYLOAD:
        return Sighting(object=found, as_of_from=at, as_of=at, source=source)
    return Sighting.of_call(found, date=at, duration_seconds=0.5, source=source)
