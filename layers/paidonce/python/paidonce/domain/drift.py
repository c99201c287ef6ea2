"""Where a row of ours says something else than Stripe does, field by field.

Written against what Stripe's objects say, and not with the rules: a rule that never lets a payment
go back would also never see that somebody has made it `paid` behind our back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.ownership import id_in
from paidonce.domain.payment import SESSIONS_PATH, Payment, PaymentStatus, status_of_intent
from paidonce.domain.refund import RefundStatus
from paidonce.domain.subscription import Subscription


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One field that differs. `object_id` is Stripe's; `ours` and `stripes` as text, None: absent.

    `aggregate_id` is the row's, where it is known whose it should be.
    """

    object_id: str
    aggregate_id: str | None
    field: str
    ours: str | None
    stripes: str | None


def of_intent(payment: Payment | None, payment_id: str, intent: Mapping[str, Any]) -> list[Drift]:
    """A payment intent with our mark against its payment; `latest_charge` should be expanded."""

    def drift(field: str, ours: object, stripes: object) -> Drift:
        return _drift(intent["id"], payment_id, field, ours, stripes)

    if payment is None:
        return [drift("row", None, intent["status"])]
    if payment.payment_intent_id not in (None, intent["id"]):
        is_harmless = intent["status"] == "canceled" or _is_given_back(intent)
        return [] if is_harmless else [drift("stray_intent", None, intent["status"])]
    pairs = {
        "status": (payment.status.value, _status_of(payment, intent).value),
        "amount_minor": (payment.money.minor, intent["amount"]),
        "currency": (payment.money.currency, intent["currency"]),
        "payment_intent_id": (payment.payment_intent_id, intent["id"]),
        "amount_captured_minor": (payment.amount_captured_minor, intent["amount_received"]),
    }
    charge = intent.get("latest_charge")
    if isinstance(charge, Mapping) and payment.status is PaymentStatus.PAID:
        pairs["charge_id"] = (payment.charge_id, charge["id"])
        pairs["amount_refunded_minor"] = (payment.amount_refunded_minor, charge["amount_refunded"])
    return [drift(field, *pair) for field, pair in pairs.items() if pair[0] != pair[1]]


def of_refund(payment: Payment, refund: Mapping[str, Any]) -> list[Drift]:
    """A refund at Stripe against the one in its payment."""
    if not _is_ours(payment, refund):
        return []
    known = payment.refund(refund["id"])
    status = refund.get("status") or RefundStatus.PENDING.value
    if known is None:
        return [_drift(refund["id"], payment.id, "refund", None, status)]
    pairs = {
        "refund.status": (known.shown_status, status),
        "refund.amount_minor": (known.amount_minor, refund["amount"]),
    }
    return list(_differing(refund["id"], payment.id, pairs))


def of_dispute(payment: Payment, dispute: Mapping[str, Any]) -> list[Drift]:
    """A dispute at Stripe against the one in its payment."""
    known = payment.dispute(dispute["id"])
    if known is None:
        return [_drift(dispute["id"], payment.id, "dispute", None, dispute["status"])]
    pairs = {
        "dispute.status": (known.status.value, dispute["status"]),
        "dispute.amount_minor": (known.amount_minor, dispute["amount"]),
    }
    return list(_differing(dispute["id"], payment.id, pairs))


# What of a subscription's row Stripe decides, as callers see it. Its newest invoice is only named
# by an object that was not expanded, so its status is compared by invoices of their own.
_OF_SUBSCRIPTION = ("status", "items", "current_period_end", "cancel_at_period_end", "trial_end")


def of_subscription(known: Subscription | None, found: Mapping[str, Any]) -> list[Drift]:
    """A subscription at Stripe against its row."""
    if known is None:
        return [_drift(found["id"], found["id"], "row", None, found["status"])]
    ours, shown = known.view(), known.shown(found).view()
    pairs = {name: (ours[name], shown[name]) for name in _OF_SUBSCRIPTION}
    return list(_differing(found["id"], found["id"], pairs))


def _status_of(payment: Payment, intent: Mapping[str, Any]) -> PaymentStatus:
    """What the payment's status should be.

    An intent whose page at Stripe has expired stays open there for ever, and nobody can pay it.
    """
    shown = status_of_intent(intent)
    is_on_page = payment.creation.path == SESSIONS_PATH
    waits = shown in (PaymentStatus.PENDING, PaymentStatus.FAILED)
    if is_on_page and waits and payment.status is PaymentStatus.CANCELED:
        return PaymentStatus.CANCELED
    return shown


def _is_given_back(intent: Mapping[str, Any]) -> bool:
    charge = intent.get("latest_charge")
    return isinstance(charge, Mapping) and charge.get("refunded") is True


def _is_ours(payment: Payment, part: Mapping[str, Any]) -> bool:
    """A stray's refund is none of the payment's."""
    intent_id = id_in(part.get("payment_intent"))
    return intent_id in (None, payment.payment_intent_id)


def _differing(
    object_id: str, aggregate_id: str, pairs: Mapping[str, tuple[object, object]]
) -> Iterator[Drift]:
    for field, (ours, stripes) in pairs.items():
        if ours != stripes:
            yield _drift(object_id, aggregate_id, field, ours, stripes)


def _drift(
    object_id: str, aggregate_id: str | None, field: str, ours: object, stripes: object
) -> Drift:
    return Drift(
        object_id=object_id,
        aggregate_id=aggregate_id,
        field=field,
        ours=None if ours is None else str(ours),
        stripes=None if stripes is None else str(stripes),
    )
