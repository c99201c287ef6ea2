"""What a subscription's row keeps of its invoices: they have no rows of their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# An invoice moves one way only (https://docs.stripe.com/invoicing/overview#invoice-lifecycle):
# what cannot be collected may still be paid or voided, and neither of these two is left again.
_RANK = {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3}
# Stripe sends an event again for 30 days at most, and a subscription may be billed daily: whatever
# is told of an older invoice was told before.
KEPT_SECONDS = 45 * 86_400


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """One invoice; all that is known of it can be learned in any order.

    `status` is Stripe's, None while only the id is known. `is_first`: it began the subscription.
    `is_renewal`: it is for the next period. `created` and `owed_since` are seconds; what is owed is
    owed from the day that it was due, or from when its card was to be charged.
    """

    id: str
    status: str | None = None
    is_first: bool = False
    is_renewal: bool = False
    created: int = 0
    owed_since: int | None = None

    @property
    def is_paid(self) -> bool:
        """Stripe has the money, or needed none."""
        return self.status == "paid"

    @property
    def is_settled(self) -> bool:
        """Nothing is owed any more."""
        return self.status in ("paid", "void")

    def joined(self, other: "Invoice") -> "Invoice":
        """What two looks at one invoice show together: the one that is further on has its status.

        The same in any order and however often.
        """
        further = max(self, other, key=lambda one: _RANK.get(one.status or "", -1))
        owed = [one.owed_since for one in (self, other) if one.owed_since is not None]
        return replace(
            self,
            status=further.status,
            is_first=self.is_first or other.is_first,
            is_renewal=self.is_renewal or other.is_renewal,
            created=max(self.created, other.created),
            owed_since=max(owed, default=None),
        )


def invoice_of(found: object) -> Invoice | None:
    """The invoice of a field that Stripe may expand, or of Stripe's object itself."""
    if isinstance(found, str):
        return Invoice(id=found)
    if not isinstance(found, Mapping):
        return None
    moments = found.get("status_transitions") or {}
    return Invoice(
        id=found["id"],
        status=found.get("status"),
        is_first=found.get("billing_reason") == "subscription_create",
        is_renewal=found.get("billing_reason") == "subscription_cycle",
        created=found.get("created") or 0,
        owed_since=found.get("due_date") or moments.get("finalized_at"),
    )


def subscription_id_of(found: Mapping[str, Any]) -> str | None:
    """The subscription that Stripe's invoice is for; None for one of its own."""
    parent = found.get("parent")
    details = parent.get("subscription_details") if isinstance(parent, Mapping) else None
    named = details.get("subscription") if isinstance(details, Mapping) else None
    named = named.get("id") if isinstance(named, Mapping) else named
    return named if isinstance(named, str) else None


def joined(known: Iterable[Invoice], shown: Invoice) -> tuple[Invoice, ...]:
    """Those that are known with this look at one of them.

    One that is new and much older than the others is not learned: it was told of before.
    """
    invoices = {invoice.id: invoice for invoice in known}
    before = invoices.get(shown.id)
    if before is None and shown.created < _horizon(invoices.values()):
        return tuple(invoices.values())
    return tuple((invoices | {shown.id: before.joined(shown) if before else shown}).values())


def remembered(known: Sequence[Invoice]) -> tuple[Invoice, ...]:
    """Those that are still of use, the newest first: not the old ones, but a first that is owed."""
    horizon = _horizon(known)
    kept = [one for one in known if one.created >= horizon or (one.is_first and not one.is_paid)]
    return tuple(sorted(kept, key=lambda one: (one.created, one.id), reverse=True))


def _horizon(known: Iterable[Invoice]) -> int:
    return max((one.created for one in known), default=0) - KEPT_SECONDS
