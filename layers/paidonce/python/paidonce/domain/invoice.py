"""What a subscription's row keeps of its invoices: they have no rows of their own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paidonce.domain.next_step import next_step
from paidonce.domain.payment import LastError

# What must be expanded for an invoice to show why its payment failed: it names no intent of its own
# (https://docs.stripe.com/api/invoices/object, since 2025-03-31.basil). Four levels are the most.
WITH_ERROR = "payments.data.payment.payment_intent"
# An intent that waits for one of these has no error, and is paid once the customer confirms it.
_CONFIRMATIONS = ("redirect_to_url", "use_stripe_sdk")
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
    owed from the day that it was due, or from when its card was to be charged. `error` is why the
    last payment of it failed that we looked at.
    """

    id: str
    status: str | None = None
    is_first: bool = False
    is_renewal: bool = False
    created: int = 0
    owed_since: int | None = None
    error: LastError | None = None

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

        The same in any order and however often, but for the error: the other look's is the later.
        Stripe takes it off with any change of the intent, so none shown is no news; what is paid
        or void has none.
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
            error=None if further.is_settled else other.error or self.error,
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
        error=_error_in(found) if has_failed(found) else None,
    )


def has_failed(found: object) -> bool:
    """Was a payment of Stripe's invoice tried in vain? Only a look `WITH_ERROR` says why.

    Not the first: why it failed is told at once to the browser that confirms it.
    """
    return (
        isinstance(found, Mapping)
        and found.get("status") in ("open", "uncollectible")
        and found.get("attempted") is True
        and found.get("billing_reason") != "subscription_create"
    )


def _error_in(found: Mapping[str, Any]) -> LastError | None:
    """Why the payment that Stripe itself asks for failed; None where that is not shown."""
    rows = (found.get("payments") or {}).get("data") or ()
    asked = (row["payment"].get("payment_intent") for row in rows if row.get("is_default"))
    intent = next(asked, None)
    if not isinstance(intent, Mapping):
        return None
    error, action = intent.get("last_payment_error") or {}, intent.get("next_action") or {}
    code, decline_code = error.get("code"), error.get("decline_code")
    if intent.get("status") == "requires_action" and action.get("type") in _CONFIRMATIONS:
        code, decline_code = "authentication_required", None
    if code is None and decline_code is None:
        return None
    step = next_step(code=code, decline_code=decline_code)
    return LastError(code=code, decline_code=decline_code, message=step.value)


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
