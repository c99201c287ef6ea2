"""A subscription of a customer of ours: what we know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.invoice import Invoice, has_failed, invoice_of, joined, remembered
from paidonce.domain.moment import iso
from paidonce.domain.ownership import USER_MARK, id_in, marks_of
from paidonce.domain.payment import LastError
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import CallState, StripeCall

# Nothing follows these (https://docs.stripe.com/billing/subscriptions/overview).
ENDED = frozenset({"canceled", "incomplete_expired"})
# Not begun: nothing was paid yet, or nothing is known.
_NOT_BEGUN = frozenset({"", "incomplete"})
_LATE = frozenset({"past_due", "unpaid"})
# Calls that are kept: all that are open, and the last ones that are done, for their repeats.
CALLS_MAX = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item; `id` is Stripe's (`si_…`)."""

    id: str
    price: str
    quantity: int = 1


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription; `id` is Stripe's (`sub_…`), `status` too. Times of Stripe's are seconds.

    `invoices` are those beside the latest that are still of use. `calls_made` counts the updates
    and cancels, so that each has a number of its own. Version 0 is a row that nothing is known of.
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
    latest_invoice: Invoice | None = None
    invoices: tuple[Invoice, ...] = ()
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
    def is_late(self) -> bool:
        """A payment has failed, and Stripe tries again or has given up."""
        return self.status in _LATE

    @property
    def last_error(self) -> LastError | None:
        """Why the last payment of its latest invoice failed; None once that is paid or void."""
        return self.latest_invoice.error if self.latest_invoice else None

    def has_settled(self, invoice_id: str) -> bool:
        """Nothing is owed any more for this invoice."""
        return any(one.id == invoice_id and one.is_settled for one in self._all_invoices)

    @property
    def owes_first(self) -> bool:
        """Its first invoice is known, and not paid."""
        return any(one.is_first and not one.is_paid for one in self._all_invoices)

    @property
    def owed_since(self) -> int | None:
        """When the oldest of the debts began that nothing was paid after; seconds."""
        since = None
        for one in self._all_invoices:
            if one.is_settled:
                break
            since = one.owed_since or since
        return since

    @property
    def _all_invoices(self) -> tuple[Invoice, ...]:
        return (*([self.latest_invoice] if self.latest_invoice else []), *self.invoices)

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

    def shown(self, found: Mapping[str, Any]) -> "Subscription":
        """With all that this look at Stripe's object shows; whether it is the newer is not asked.

        Of an invoice that is not expanded it tells only which one is the latest.
        """
        marked = marks_of(found).get(USER_MARK)
        user_id = self.user_id or (marked if isinstance(marked, str) else None)
        return replace(
            self,
            **_shown(found),
            **self._invoices_after(invoice_of(found.get("latest_invoice"))),
            user_id=user_id,
        )

    def known_until(self, seen: Sighting) -> "Subscription":
        """With the bounds of our knowledge raised to this sighting's."""
        return replace(
            self,
            as_of_from=max(seen.as_of_from, self.as_of_from or 0),
            as_of=max(seen.as_of, self.as_of or 0),
        )

    def with_invoice(self, shown: Invoice) -> "Subscription":
        """With this look at one of its invoices, in any order; which is the latest stays."""
        latest_id = self.latest_invoice.id if self.latest_invoice else None
        return replace(self, **_parted(joined(self._all_invoices, shown), latest_id=latest_id))

    def _invoices_after(self, shown: Invoice | None) -> dict[str, Any]:
        """With this one as the latest, whatever is known of it; None: there is none."""
        if shown is None:
            return _parted(self._all_invoices, latest_id=None)
        known = [one for one in self._all_invoices if one.id == shown.id]
        others = [one for one in self._all_invoices if one.id != shown.id]
        latest = known[0].joined(shown) if known else shown
        return _parted([*others, latest], latest_id=latest.id)

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
        """Each step once: begun, late, paid for the next period, ended; else what changed."""
        if self.is_ended and not before.is_ended:
            return ("subscription.ended",)
        steps = {
            "subscription.started": before.status in _NOT_BEGUN and self._has_begun,
            "subscription.past_due": self.is_late and not before.is_late,
            # What was paid before we knew of it is no news.
            "subscription.renewed": before.version > 0
            and bool(self.paid_renewals - before.paid_renewals),
        }
        told = tuple(kind for kind, is_so in steps.items() if is_so)
        return told or (("subscription.changed",) if self.facts != before.facts else ())

    @property
    def _has_begun(self) -> bool:
        return self.status not in _NOT_BEGUN and not self.is_ended

    @property
    def paid_renewals(self) -> set[str]:
        """Invoices of later periods that are paid."""
        return {one.id for one in self._all_invoices if one.is_renewal and one.is_paid}

    @property
    def facts(self) -> tuple[Any, ...]:
        """All that callers are shown, and that may have changed."""
        view = self.view()
        return (
            self.owes_first,
            self.owed_since if self.status == "past_due" else None,
            *(view[name] for name in view if name not in ("version", "updated_at")),
        )

    def view(self) -> dict[str, Any]:
        """What of it is shown whatever the time: `entitlement.view_of` adds the rest."""
        invoice, error = self.latest_invoice, self.last_error
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "user_id": self.user_id,
            "status": self.status,
            "items": [{"price": line.price, "quantity": line.quantity} for line in self.lines],
            "current_period_end": _moment(self.current_period_end),
            "cancel_at_period_end": self.cancel_at_period_end,
            "trial_end": _moment(self.trial_end),
            "latest_invoice": invoice and {"id": invoice.id, "status": invoice.status},
            "last_error": error and error.view(),
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def begun(found: Mapping[str, Any], at: str) -> Subscription:
    """A row that nothing is known of yet, of Stripe's subscription."""
    return row_of(found["id"], found, at)


def row_of(subscription_id: str, found: Mapping[str, Any], at: str) -> Subscription:
    """The same of any object that has its marks and its customer, as its invoices do."""
    marked = marks_of(found).get(USER_MARK)
    return Subscription(
        id=subscription_id,
        customer_id=id_in(found.get("customer")) or "",
        user_id=marked if isinstance(marked, str) else None,
        status="",
        created_at=at,
        updated_at=at,
        version=0,
    )


def failed_invoice_id(found: Mapping[str, Any]) -> str | None:
    """The latest invoice, where this look at a subscription shows that it failed and not why."""
    invoice = found.get("latest_invoice")
    if not isinstance(invoice, Mapping) or not has_failed(invoice) or "payments" in invoice:
        return None
    return str(invoice["id"])


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


def is_whole(found: Mapping[str, Any]) -> bool:
    """False where Stripe has cut the list of its items short."""
    items = found.get("items")
    rows = items.get("data") if isinstance(items, Mapping) else None
    return isinstance(items, Mapping) and isinstance(rows, list) and not items.get("has_more")


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that Stripe's object decides."""
    rows = (found.get("items") or {}).get("data") or []
    # Since 2025-03-31.basil a period belongs to an item; the subscription is paid until the first.
    ends = [row["current_period_end"] for row in rows if row.get("current_period_end")]
    lines = [
        Line(id=row["id"], price=id_in(row["price"]) or "", quantity=row.get("quantity") or 1)
        for row in rows
    ]
    return {
        "status": found["status"],
        "customer_id": id_in(found["customer"]) or "",
        "lines": tuple(lines),
        "current_period_end": min(ends, default=None),
        "cancel_at_period_end": bool(found.get("cancel_at_period_end")),
        "trial_end": found.get("trial_end"),
    }


def _parted(known: Sequence[Invoice], *, latest_id: str | None) -> dict[str, Any]:
    """The two fields that hold invoices."""
    return {
        "latest_invoice": next((one for one in known if one.id == latest_id), None),
        "invoices": tuple(one for one in remembered(known) if one.id != latest_id),
    }


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)
