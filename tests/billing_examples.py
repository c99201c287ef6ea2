"""Customers, subscriptions and invoices that many tests begin with, as Stripe shows them."""

from typing import Any

from paidonce.domain.customer import Customer
from paidonce.domain.invoice import Invoice
from paidonce.domain.subscription import Line, Subscription

from tests.examples import NOON

DAY = 86_400
MARKS = {"paidonce_stage": "test", "paidonce_user": "user-1"}
AT = "2026-09-21T13:33:20.000Z"


def a_subscription(status: str = "active", **changes: Any) -> dict[str, Any]:
    """One item for a month; of the latest invoice only the id, as in an event."""
    values: dict[str, Any] = {
        "id": "sub_1",
        "object": "subscription",
        "cancel_at_period_end": False,
        "customer": "cus_1",
        "items": {"object": "list", "data": [an_item()], "has_more": False},
        "latest_invoice": "in_1",
        "metadata": MARKS,
        "status": status,
        "trial_end": None,
    }
    return values | changes


def an_item(price: str = "price_a", **changes: Any) -> dict[str, Any]:
    """An item of a subscription."""
    values: dict[str, Any] = {
        "id": f"si_{price}",
        "object": "subscription_item",
        "price": {"id": price, "object": "price"},
        "quantity": 1,
        "current_period_end": NOON + 30 * DAY,
    }
    return values | changes


def an_invoice(status: str = "paid", number: int = 1, **changes: Any) -> dict[str, Any]:
    """The invoice of a month: the first began the subscription, the others are renewals."""
    finalized_at = NOON + (number - 1) * 30 * DAY
    values: dict[str, Any] = {
        "id": f"in_{number}",
        "object": "invoice",
        "attempted": status == "paid",
        "billing_reason": "subscription_create" if number == 1 else "subscription_cycle",
        "created": finalized_at,
        "customer": "cus_1",
        "due_date": None,
        "metadata": {},
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"metadata": MARKS, "subscription": "sub_1"},
        },
        "status": status,
        "status_transitions": {"finalized_at": None if status == "draft" else finalized_at},
    }
    return values | changes


def a_failed_invoice(number: int = 2, **changes: Any) -> dict[str, Any]:
    """One whose card was declined, as its events show it: not why."""
    return an_invoice("open", number, attempted=True, **changes)


def with_payments(
    invoice: dict[str, Any], decline_code: str | None = "insufficient_funds", **intent: Any
) -> dict[str, Any]:
    """The same as a look at Stripe shows it, with the intent that shall pay it."""
    declined = {"code": "card_declined", "decline_code": decline_code, "message": "Stripe's words."}
    shown = {
        "id": "pi_1",
        "object": "payment_intent",
        "last_payment_error": declined if decline_code else None,
        "next_action": None,
        "status": "requires_payment_method",
    }
    payment = {"type": "payment_intent", "payment_intent": shown | intent}
    row = {"object": "invoice_payment", "is_default": True, "payment": payment}
    return invoice | {"payments": {"object": "list", "data": [row], "has_more": False}}


def a_customer(**changes: Any) -> dict[str, Any]:
    """A customer of ours at Stripe."""
    values: dict[str, Any] = {
        "id": "cus_1",
        "object": "customer",
        "email": "ann@example.com",
        "name": "Ann",
        "metadata": MARKS,
    }
    return values | changes


def a_row(status: str = "active", **changes: Any) -> Subscription:
    """The row of `a_subscription` whose first invoice is paid."""
    values: dict[str, Any] = {
        "id": "sub_1",
        "customer_id": "cus_1",
        "user_id": "user-1",
        "status": status,
        "created_at": AT,
        "updated_at": AT,
        "lines": (Line(id="si_price_a", price="price_a"),),
        "current_period_end": NOON + 30 * DAY,
        "latest_invoice": Invoice(
            id="in_1", status="paid", is_first=True, created=NOON, owed_since=NOON
        ),
        "as_of_from": NOON,
        "as_of": NOON,
    }
    return Subscription(**(values | changes))


def a_customer_row(**changes: Any) -> Customer:
    """The row of `a_customer`."""
    values: dict[str, Any] = {
        "id": "cus_1",
        "user_id": "user-1",
        "email": "ann@example.com",
        "name": "Ann",
        "created_at": AT,
        "updated_at": AT,
        "as_of_from": NOON,
        "as_of": NOON,
    }
    return Customer(**(values | changes))
