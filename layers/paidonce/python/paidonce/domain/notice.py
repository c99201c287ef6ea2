"""Whom a domain event concerns, and what they are told: pure words, sent by somebody else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from paidonce.domain.announcement import Announcement
from paidonce.domain.currency import CURRENCIES
from paidonce.domain.next_step import next_step


class Audience(StrEnum):
    """Who reads it."""

    CUSTOMER = "customer"
    BACK_OFFICE = "back_office"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One message to one audience. `id` is the domain event's, by which repeats are known.

    `user_id` is the shop's own name of the customer: whoever sends the mail knows the address.
    """

    id: str
    kind: str
    audience: Audience
    subject: str
    text: str
    object_id: str
    user_id: str | None = None


# Subject and text.
_Words = tuple[str, str]
_Write = Callable[[Announcement], _Words]


def notice_of(told: Announcement) -> Notice | None:
    """What to send for a domain event; None where nobody needs to hear of it.

    A notice is never left out because the object has a higher version by now: what happened did.
    """
    if told.type not in _NOTICES:
        return None
    kind, audience, write = _NOTICES[told.type]
    subject, text = write(told)
    return Notice(
        id=told.id,
        kind=kind,
        audience=audience,
        subject=subject,
        text=text,
        object_id=told.object["id"],
        user_id=told.object.get("user_id"),
    )


def fraud_notice(told: Announcement, why: str) -> Notice:
    """A fraud warning that a person must decide about; `why` is a sentence."""
    payment = told.object
    return Notice(
        id=told.id,
        kind="fraud_warning",
        audience=Audience.BACK_OFFICE,
        subject=f"Fraud warning: {payment['id']}",
        text=(
            f"The card's network warns of payment {payment['id']} (order {payment['order_id']},"
            f" {amount(payment['amount_minor'], payment['currency'])}): it may be fraud."
            f" It was not refunded: {why} Refund it, or be ready for a dispute."
        ),
        object_id=payment["id"],
        user_id=payment.get("user_id"),
    )


def amount(minor: int, currency: str) -> str:
    """As people write it: `10.00 USD`, `500 JPY`."""
    digits = CURRENCIES[currency].exponent if currency in CURRENCIES else 2
    whole, rest = divmod(minor, 10**digits)
    shown = f"{whole}.{rest:0{digits}}" if digits else str(whole)
    return f"{shown} {currency.upper()}"


def _receipt(told: Announcement) -> _Words:
    payment = told.object
    paid = amount(payment["amount_minor"], payment["currency"])
    order = payment["order_id"]
    return f"Your payment for order {order}", (
        f"We received {paid} for order {order}. Thank you.\nReference: {payment['id']}"
    )


def _renewal_failed(told: Announcement) -> _Words:
    error: Mapping[str, Any] = told.object.get("last_error") or {}
    step = next_step(code=error.get("code"), decline_code=error.get("decline_code"))
    return "Your subscription could not be renewed", (
        f"The payment for your subscription did not go through. {step.value}\n"
        f"Reference: {told.object['id']}"
    )


def _refund_failed(told: Announcement) -> _Words:
    payment = told.object
    refund = _named(told, payment.get("refunds", ()))
    refunded = amount(refund["amount_minor"], payment["currency"]) if refund else "A refund"
    return f"Refund failed: {payment['id']}", (
        f"{refunded} of payment {payment['id']} (order {payment['order_id']}) did not reach the"
        " customer: the money is back in the Stripe balance. Find another way to return it."
    )


def _dispute(told: Announcement) -> _Words:
    payment = told.object
    dispute = _named(told, payment.get("disputes", ())) or {}
    what = told.type.removeprefix("dispute.")
    due = dispute.get("due_by")
    disputed = dispute.get("amount_minor")
    lines = [
        f"Payment {payment['id']} (order {payment['order_id']}): a dispute is {what}.",
        f"Amount: {amount(disputed, payment['currency'])}" if disputed is not None else "",
        f"Reason: {dispute['reason']}" if dispute.get("reason") else "",
        f"Evidence is due by {due}." if due and what == "opened" else "",
    ]
    return f"Dispute {what}: {payment['id']}", "\n".join(line for line in lines if line)


def _named(told: Announcement, objects: Any) -> Mapping[str, Any] | None:
    """The refund or dispute that the domain event is about."""
    named: list[Mapping[str, Any]] = [found for found in objects if found["id"] == told.about]
    return next(iter(named), None)


_NOTICES: Mapping[str, tuple[str, Audience, _Write]] = {
    "payment.paid": ("receipt", Audience.CUSTOMER, _receipt),
    "subscription.past_due": ("renewal_failed", Audience.CUSTOMER, _renewal_failed),
    "refund.failed": ("refund_failed", Audience.BACK_OFFICE, _refund_failed),
    "dispute.opened": ("dispute", Audience.BACK_OFFICE, _dispute),
    "dispute.won": ("dispute", Audience.BACK_OFFICE, _dispute),
    "dispute.lost": ("dispute", Audience.BACK_OFFICE, _dispute),
}
# What a rule on the bus asks for in the name of `notify`.
TOLD_TYPES = tuple(sorted(_NOTICES))
