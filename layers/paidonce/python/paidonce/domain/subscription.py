"""A subscription of a customer of ours: what we know of it, and whether it may be used now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.moment import iso
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import CallState, StripeCall

# Nothing follows these (https://docs.stripe.com/billing/subscriptions/overview).
ENDED = frozenset({"canceled", "incomplete_expired"})
_IN_USE = frozenset({"active", "trialing"})
# Calls that are kept: all that are open, and the last ones that are done, for their repeats.
CALLS_MAX = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item; `id` is Stripe's (`si_…`)."""

    id: str
    price: str
    quantity: int = 1


@dataclass(frozen=True, kw_only=True)
class LatestInvoice:
    """The newest invoice. `is_first`: it is the one that began the subscription."""

    id: str
    status: str | None
    is_first: bool


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription; `id` is Stripe's (`sub_…`), `status` too. Times of Stripe's are seconds.

    `calls_made` counts the updates and cancels, so that each has a number of its own.
    """

    id: str
    customer_id: str
    user_id: str | None
    status: str
    created_at: str
    updated_at: str
    lines: tuple[Line, ...] = ()
    current_period_end: int | None = None
    cancel_at_period_end: bool = False
    trial_end: int | None = None
    latest_invoice: LatestInvoice | None = None
    calls: tuple[StripeCall, ...] = ()
    calls_made: int = 0
    as_of_from: int | None = None
    as_of: int | None = None
    version: int = 1
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Stripe will never bill it again."""
        return self.status in ENDED

    @property
    def entitled(self) -> bool:
        """May the customer use it now? `active` whose first invoice is unpaid may not."""
        invoice = self.latest_invoice
        owes_first = invoice is not None and invoice.is_first and invoice.status != "paid"
        return self.status in _IN_USE and not (self.status == "active" and owes_first)

    @property
    def pointer_ids(self) -> frozenset[str]:
        """None: the row's own id is Stripe's."""
        return frozenset()

    def with_call(self, call: StripeCall) -> "Subscription":
        """With this call added, or in the place of the one with its idempotency key."""
        others = [c for c in self.calls if c.idempotency_key != call.idempotency_key]
        is_new = len(others) == len(self.calls)
        spare = len(others) + 1 - CALLS_MAX
        over = [c for c in others if c.state is not CallState.OPEN][: max(0, spare)]
        return replace(
            self,
            calls=(*(c for c in others if c not in over), call),
            calls_made=self.calls_made + is_new,
        )

    def seen(self, seen: Sighting) -> "Subscription":
        """As Stripe shows it now, unless we know something newer; what has ended stays so."""
        if self.as_of is not None and seen.as_of < self.as_of:
            return self
        if self.is_ended and seen.object["status"] not in ENDED:
            return self
        return replace(
            self,
            **_shown(seen.object, known=self.latest_invoice),
            as_of_from=max(seen.as_of_from, self.as_of_from or 0),
            as_of=seen.as_of,
        )

    def written(self, *, at: str) -> "Subscription":
        """As its row is written after a change."""
        return replace(self, version=self.version + 1, updated_at=at)

    def looks_like(self, other: "Subscription") -> bool:
        """True when only bounds of our knowledge or notes about calls of ours differ."""
        return self == replace(
            other,
            calls=self.calls,
            calls_made=self.calls_made,
            as_of_from=self.as_of_from,
            as_of=self.as_of,
            version=self.version,
        )

    def news(self, before: "Subscription") -> tuple[str, ...]:
        """Whatever changed."""
        return () if self.looks_like(before) else ("subscription.changed",)

    def view(self) -> dict[str, Any]:
        """The subscription as the API and the bus show it (api.md section 1)."""
        invoice = self.latest_invoice
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "user_id": self.user_id,
            "status": self.status,
            "entitled": self.entitled,
            "items": [{"price": line.price, "quantity": line.quantity} for line in self.lines],
            "current_period_end": _moment(self.current_period_end),
            "cancel_at_period_end": self.cancel_at_period_end,
            "trial_end": _moment(self.trial_end),
            "latest_invoice": invoice and {"id": invoice.id, "status": invoice.status},
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def subscription_of(seen: Sighting, *, user_id: str | None, at: str) -> Subscription:
    """The row of a subscription that Stripe has made."""
    found = seen.object
    return Subscription(
        id=found["id"],
        customer_id=_id_of(found["customer"]),
        user_id=user_id,
        created_at=at,
        updated_at=at,
        as_of_from=seen.as_of_from,
        as_of=seen.as_of,
        **_shown(found, known=None),
    )


def client_secret_of(found: Mapping[str, Any]) -> str | None:
    """What a browser confirms the first payment with, or the card's set-up before a trial.

    Both objects must have been expanded; None where nothing is left to confirm.
    """
    invoice, setup = found.get("latest_invoice"), found.get("pending_setup_intent")
    confirmation = invoice.get("confirmation_secret") if isinstance(invoice, Mapping) else None
    for secret_of in (confirmation, setup):
        secret = secret_of.get("client_secret") if isinstance(secret_of, Mapping) else None
        if isinstance(secret, str):
            return secret
    return None


def changed_lines(known: Sequence[Line], wanted: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """The `items` of an update after which the subscription has exactly these prices.

    An item keeps its id where its price stays; else a wanted price takes the place of one that is
    not wanted any more, so that Stripe prorates between them; what is left over is deleted.
    """
    by_price = {line.price: line for line in known}
    left = [line for line in known if line.price not in dict(wanted)]
    changes: list[dict[str, Any]] = []
    for price, quantity in wanted:
        if price in by_price:
            changes.append({"id": by_price[price].id, "quantity": quantity})
        elif left:
            changes.append({"id": left.pop(0).id, "price": price, "quantity": quantity})
        else:
            changes.append({"price": price, "quantity": quantity})
    return changes + [{"id": line.id, "deleted": True} for line in left]


def _shown(found: Mapping[str, Any], *, known: LatestInvoice | None) -> dict[str, Any]:
    """The fields that Stripe's object decides."""
    rows = found.get("items", {}).get("data", [])
    # Since 2025-03-31.basil a period belongs to an item; the subscription is paid until the first.
    ends = [row["current_period_end"] for row in rows if row.get("current_period_end")]
    return {
        "status": found["status"],
        "lines": tuple(
            Line(id=row["id"], price=_id_of(row["price"]), quantity=row.get("quantity") or 1)
            for row in rows
        ),
        "current_period_end": min(ends, default=None),
        "cancel_at_period_end": bool(found.get("cancel_at_period_end")),
        "trial_end": found.get("trial_end"),
        "latest_invoice": _invoice(found.get("latest_invoice"), known),
    }


def _invoice(found: object, known: LatestInvoice | None) -> LatestInvoice | None:
    """An invoice that is not expanded tells only its id: what is known of it stays."""
    if isinstance(found, str):
        same = known is not None and known.id == found
        return known if same else LatestInvoice(id=found, status=None, is_first=False)
    if not isinstance(found, Mapping):
        return None
    is_first = found.get("billing_reason") == "subscription_create"
    return LatestInvoice(id=found["id"], status=found.get("status"), is_first=is_first)


def _id_of(value: Any) -> str:
    """A field that Stripe may expand: the id either way."""
    return str(value["id"] if isinstance(value, Mapping) else value)


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)
