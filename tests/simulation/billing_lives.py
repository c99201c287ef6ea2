"""Lives of subscriptions and customers: the events that Stripe sends, and what it holds at each."""

import json
from dataclasses import dataclass, field
from typing import Any

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.stripe_event import StripeEvent

from tests.billing_examples import (
    DAY,
    a_customer,
    a_customer_row,
    a_row,
    a_subscription,
    an_invoice,
    an_item,
    with_payments,
)
from tests.examples import NOON, a_payload

SUB = "customer.subscription"
MONTH = 30 * DAY


@dataclass
class Life:
    """Events in their order; `held[n]` is what a GET shows right after event n.

    `row` is what we know before; None: nothing. `why` is the decline code at its end, of a renewal.
    """

    row: Aggregate | None
    steps: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    why: str | None = None

    def events(self, pace: int) -> list[StripeEvent]:
        """As Stripe writes them, `pace` seconds apart."""
        return [
            StripeEvent.parse(json.dumps(a_payload(name, found, f"evt_{n}", NOON + 60 + n * pace)))
            for n, (name, found) in enumerate(self.steps)
        ]


class Subscribed(Life):
    """A subscription whose state and invoices move on with each event."""

    def __init__(self, row: Aggregate | None, **begins: Any) -> None:
        super().__init__(row)
        self.state = a_subscription(**begins)
        self.invoices = {"in_1": an_invoice("paid" if row else "draft")}

    def sub(self, kind: str, **changes: Any) -> "Subscribed":
        """An event of the subscription."""
        self.state = self.state | changes
        return self._told(f"{SUB}.{kind}", dict(self.state))

    def invoice(
        self, name: str, status: str, number: int = 2, *, declined: str | None = None
    ) -> "Subscribed":
        """An event of an invoice; why its card was `declined` only a GET of it shows."""
        found = an_invoice(status, number)
        if declined or status == "uncollectible":
            found["attempted"] = True
        before = self.invoices.get(found["id"], {}).get("payments")
        shown = with_payments(found, declined) if declined else found | {"payments": before}
        self.invoices[found["id"]] = shown
        if number > 1:
            self.why = None if status in ("paid", "void") else declined or self.why
        return self._told(f"invoice.{name}", found)

    def _told(self, name: str, found: dict[str, Any]) -> "Subscribed":
        self.steps.append((name, json.loads(json.dumps(found))))
        latest = self.state["latest_invoice"]
        shown = self.invoices.get(latest) or an_invoice("draft", int(latest[3:]))
        self.held.append(self.state | {"latest_invoice": shown})
        return self


class Named(Life):
    """A customer."""

    def told(self, kind: str, **changes: Any) -> "Named":
        """An event of the customer."""
        found = a_customer(**changes)
        self.steps.append((f"customer.{kind}", found))
        gone = {"id": found["id"], "object": "customer", "deleted": True}
        self.held.append(gone if kind == "deleted" else found)
        return self


def next_month(number: int = 2) -> dict[str, Any]:
    """What a renewal changes."""
    items = [an_item(current_period_end=NOON + number * MONTH)]
    return {"latest_invoice": f"in_{number}", "items": {"data": items, "has_more": False}}


def subscriptions() -> dict[str, Subscribed]:
    """Each life, by its name."""
    return {
        "begun and paid": Subscribed(None, status="incomplete")
        .sub("created")
        .invoice("created", "draft", 1)
        .invoice("finalized", "open", 1)
        .invoice("payment_failed", "open", 1, declined="do_not_honor")
        .invoice("paid", "paid", 1)
        .invoice("payment_succeeded", "paid", 1)
        .sub("updated", status="active"),
        "never paid": Subscribed(None, status="incomplete")
        .sub("created")
        .invoice("finalized", "open", 1)
        .invoice("payment_action_required", "open", 1)
        .invoice("voided", "void", 1)
        .sub("updated", status="incomplete_expired"),
        "tried out": Subscribed(None, status="trialing", trial_end=NOON + MONTH)
        .sub("created")
        .invoice("paid", "paid", 1)
        .sub("trial_will_end")
        .sub("updated", status="active", **next_month())
        .invoice("paid", "paid")
        .invoice("payment_succeeded", "paid"),
        "renewed twice": Subscribed(a_row())
        .invoice("created", "draft")
        .sub("updated", **next_month())
        .invoice("paid", "paid")
        .invoice("payment_succeeded", "paid")
        .sub("updated", **next_month(3))
        .invoice("finalized", "open", 3)
        .invoice("paid", "paid", 3),
        "failed and recovered": Subscribed(a_row())
        .sub("updated", **next_month())
        .invoice("finalized", "open")
        .invoice("payment_failed", "open", declined="insufficient_funds")
        .sub("updated", status="past_due")
        .invoice("paid", "paid")
        .invoice("payment_succeeded", "paid")
        .sub("updated", status="active"),
        "failed and ended": Subscribed(a_row())
        .sub("updated", **next_month())
        .invoice("finalized", "open")
        .invoice("payment_failed", "open", declined="insufficient_funds")
        .sub("updated", status="past_due")
        .invoice("payment_failed", "open", declined="expired_card")
        .invoice("marked_uncollectible", "uncollectible")
        .sub("deleted", status="canceled"),
        "changed, paused and resumed": Subscribed(a_row())
        .sub("updated", items={"data": [an_item("price_b")], "has_more": False})
        .sub("updated", cancel_at_period_end=True)
        .sub("updated", cancel_at_period_end=False)
        .sub("paused", status="paused")
        .sub("resumed", status="active")
        .sub("deleted", status="canceled"),
    }


def customers() -> dict[str, Named]:
    """Each life, by its name."""
    return {
        "renamed": Named(None)
        .told("created")
        .told("updated", name="Bea")
        .told("updated", email="bea@example.com", name="Bea")
        .told("updated"),
        "deleted": Named(a_customer_row())
        .told("updated", name="Bea")
        .told("updated", name="Cleo")
        .told("deleted", name="Cleo"),
        "made and deleted": Named(None)
        .told("created")
        .told("updated", name="Bea")
        .told("updated", name="Cleo")
        .told("updated", name="Bea")
        .told("deleted", name="Bea"),
    }
