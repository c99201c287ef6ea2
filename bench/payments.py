"""The payment of the processor's benchmark, and the event that settles it."""

import json

from paidonce.domain.money import Money
from paidonce.domain.payment import Creation, Payment

MARKS = {
    "paidonce_stage": "bench",
    "paidonce_payment": "pay_NUMBER",
    "paidonce_attempt": "1",
    "paidonce_order": "order-NUMBER",
}


def a_payment(number: str) -> Payment:
    """A pending payment whose intent is known."""
    return Payment(
        id=f"pay_{number}",
        order_id=f"order-{number}",
        user_id="user-1",
        money=Money(1999, "usd"),
        created_at="2026-11-22T11:24:00.000Z",
        updated_at="2026-11-22T11:24:00.000Z",
        creation=Creation(
            attempt=1,
            idempotency_key=f"pay_{number}_a1",
            params={"amount": 1999, "currency": "usd", "metadata": MARKS},
            body_hash="0" * 64,
            content_hash="0" * 64,
            first_tried_at=1_795_346_640,
            last_tried_at=1_795_346_640,
        ),
        payment_intent_id=f"pi_{number}",
        as_of_from=1_795_346_638,
        as_of=1_795_346_640,
    )


def the_event(payload: bytes) -> str:
    """A recorded payment_intent.succeeded made into that of payment NUMBER."""
    event = json.loads(payload)
    intent = event["data"]["object"]
    intent |= {"id": "pi_NUMBER", "amount": 1999, "amount_received": 1999, "currency": "usd"}
    intent |= {"metadata": MARKS, "latest_charge": "ch_NUMBER"}
    event |= {"id": "evt_NUMBER", "created": 1_795_346_700, "livemode": False}
    return json.dumps(event, indent=2)
