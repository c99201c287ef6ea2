"""What an invoice's events mean for the subscription that it is for."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.invoice import has_failed, invoice_of, subscription_id_of
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.subscription import Subscription, row_of


def begun(found: Mapping[str, Any], at: str) -> Subscription:
    """The row of the invoice's subscription, of which nothing is known yet."""
    return row_of(subscription_id_of(found) or "", found, at)


@decides(
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    resource="invoice",
    of=Subscription,
    names=subscription_id_of,
    begins=begun,
    reads=("in_",),
)
def settle(row: Subscription, seen: Sighting) -> Verdict[Subscription] | FetchFirst:
    """An invoice moves one way, so its status alone decides, in any order.

    Which invoice is the latest only the subscription itself says, and why a payment failed only
    a look at Stripe does: each failure is looked at, so that the last one is known in the end.
    """
    found = seen.object
    if found["object"] == "subscription":
        return Verdict(after=row.shown(found).known_until(seen))
    invoice = invoice_of(found)
    if row.version == 0 or invoice is None:
        return FetchFirst(row.id, resource="subscription")
    if seen.source is not Source.FETCH and has_failed(found) and not row.has_settled(invoice.id):
        return FetchFirst(invoice.id)
    return Verdict(after=row.with_invoice(invoice))
