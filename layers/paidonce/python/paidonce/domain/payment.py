"""A payment of ours: what we know of it, since when, and how it may move."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, Protocol, TypeVar

from paidonce.domain.dispute import Dispute
from paidonce.domain.errors import NotYetKnown
from paidonce.domain.fraud_warning import FraudWarning
from paidonce.domain.money import Money
from paidonce.domain.ownership import id_in
from paidonce.domain.price import Item
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import CallState, StripeCall

INTENTS_PATH = "/v1/payment_intents"
SESSIONS_PATH = "/v1/checkout/sessions"


class Band(IntEnum):
    """How far a payment has come; a later band wins over an earlier one, never the other way."""

    OPEN = 0
    AUTHORIZED = 1
    FINAL = 2


class PaymentStatus(StrEnum):
    """The status that callers see (api.md maps it from Stripe's)."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    PAID = "paid"
    CANCELED = "canceled"

    @property
    def band(self) -> Band:
        """Inside the open band a payment moves both ways; elsewhere only forward."""
        if self in (PaymentStatus.PAID, PaymentStatus.CANCELED):
            return Band.FINAL
        return Band.AUTHORIZED if self is PaymentStatus.AUTHORIZED else Band.OPEN


_STATUS_OF_INTENT = {
    "requires_payment_method": PaymentStatus.PENDING,
    "requires_confirmation": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "processing": PaymentStatus.PROCESSING,
    "requires_capture": PaymentStatus.AUTHORIZED,
    "succeeded": PaymentStatus.PAID,
    "canceled": PaymentStatus.CANCELED,
}

# Statuses that the bus hears of when a payment reaches them (api.md section 3).
_TOLD = {
    PaymentStatus.REQUIRES_ACTION: "payment.requires_action",
    PaymentStatus.AUTHORIZED: "payment.authorized",
    PaymentStatus.PAID: "payment.paid",
    PaymentStatus.FAILED: "payment.failed",
    PaymentStatus.CANCELED: "payment.canceled",
}


def status_of_intent(intent: Mapping[str, Any]) -> PaymentStatus:
    """Our status of Stripe's payment intent; raises KeyError for one that is new to us."""
    status = _STATUS_OF_INTENT[intent["status"]]
    if intent["status"] == "requires_payment_method" and intent.get("last_payment_error"):
        return PaymentStatus.FAILED
    return status


@dataclass(frozen=True, kw_only=True)
class LastError:
    """Why the last attempt failed; `message` is ours (`decline`, of a renewal `next_step`)."""

    code: str | None
    decline_code: str | None
    message: str

    def view(self) -> dict[str, str | None]:
        """As the API and the bus show it."""
        return {"code": self.code, "decline_code": self.decline_code, "message": self.message}


@dataclass(frozen=True, kw_only=True)
class Creation:
    """How the payment intent is asked for: written before the call, so that a crash loses nothing.

    `params` is the exact request; `idempotency_key` goes with it every time. `body_hash`
    and `content_hash` tell a repeat of the caller's request from another one. Times are whole
    seconds since 1970. `is_spent`: Stripe has stored a failure under the key. `path` is where the
    request goes: an intent, or a checkout session, which makes the intent when it is paid.
    """

    attempt: int
    idempotency_key: str
    params: Mapping[str, Any]
    body_hash: str
    content_hash: str
    first_tried_at: int | None = None
    last_tried_at: int | None = None
    is_spent: bool = False
    path: str = INTENTS_PATH


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One payment. `as_of_from` and `as_of` bound the moment (Stripe's seconds) of what we know.

    `items` are what the amount was computed from, empty where the caller named an amount.
    `version` rises by one with every write of the row. `unknown` holds attributes that a newer
    release wrote, so that a rollback keeps them.
    """

    id: str
    order_id: str
    user_id: str | None
    money: Money
    created_at: str
    updated_at: str
    creation: Creation
    status: PaymentStatus = PaymentStatus.PENDING
    capture: str = "automatic"
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    payment_intent_id: str | None = None
    checkout_session_id: str | None = None
    charge_id: str | None = None
    amount_captured_minor: int = 0
    customer_id: str | None = None
    items: tuple[Item, ...] = ()
    last_error: LastError | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    fraud_warnings: tuple[FraudWarning, ...] = ()
    calls: tuple[StripeCall, ...] = ()
    cancel_requested: bool = False
    as_of_from: int | None = None
    as_of: int | None = None
    version: int = 1
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def view(self) -> dict[str, Any]:
        """The payment as the API and the bus show it (api.md section 1)."""
        error, warning = self.last_error, self.fraud_warning
        return {
            "id": self.id,
            "order_id": self.order_id,
            "user_id": self.user_id,
            "status": self.status.value,
            "amount_minor": self.money.minor,
            "currency": self.money.currency,
            "payment_intent_id": self.payment_intent_id,
            "charge_id": self.charge_id,
            "amount_captured_minor": self.amount_captured_minor,
            "amount_refunded_minor": self.amount_refunded_minor,
            "refunds": [refund.view() for refund in self.refunds],
            "disputes": [dispute.view() for dispute in self.disputes],
            "fraud_warning": warning and warning.view(),
            "customer_id": self.customer_id,
            "last_error": error and error.view(),
            "version": self.version,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }

    @property
    def amount_refunded_minor(self) -> int:
        """What is refunded or being refunded at Stripe; what is only reserved does not count."""
        return sum(
            refund.amount_minor
            for refund in self.refunds
            if refund.status.stands and refund.status is not RefundStatus.RESERVED
        )

    @property
    def refundable_minor(self) -> int:
        """Captured less all refunds that stand or are reserved."""
        standing = sum(r.amount_minor for r in self.refunds if r.status.stands)
        # A refund's event may come before the one that tells of the capture.
        return max(0, self.amount_captured_minor - standing)

    def is_charged_by(self, part: Mapping[str, Any]) -> bool:
        """Is a charge, refund, dispute or warning about our intent, and not about a stray one?

        A stray carries our marks too, and whoever refunds what was paid twice must not seem to
        refund the payment. Raises NotYetKnown while it is not known which intent is ours.
        """
        intent_id = id_in(part.get("payment_intent"))
        if intent_id is not None and self.payment_intent_id is None:
            raise NotYetKnown(f"{self.id} has no intent yet")
        return intent_id in (None, self.payment_intent_id)

    @property
    def fraud_warning(self) -> FraudWarning | None:
        """The one that is shown: the last that is actionable, otherwise the last."""
        actionable = [warning for warning in self.fraud_warnings if warning.actionable]
        return next(iter([*reversed(actionable), *reversed(self.fraud_warnings)]), None)

    def with_call(self, call: StripeCall) -> "Payment":
        """The payment with this call added, or in the place of the one with its idempotency key."""
        keys = [c.idempotency_key for c in self.calls]
        if call.idempotency_key not in keys:
            return replace(self, calls=(*self.calls, call))
        at = keys.index(call.idempotency_key)
        return replace(self, calls=(*self.calls[:at], call, *self.calls[at + 1 :]))

    def canceling(self) -> "Payment":
        """With the wish to cancel noted where no intent is known: whoever makes one sees it."""
        wanted = self.cancel_requested or self.payment_intent_id is None
        return replace(self, cancel_requested=wanted)

    @property
    def is_open(self) -> bool:
        """It can still move, or a call of ours about it has no end yet."""
        if self.status is PaymentStatus.CANCELED:
            return False
        calls = (*self.calls, *(refund.call for refund in self.refunds if refund.call))
        return self.status.band is Band.OPEN or any(c.state is CallState.OPEN for c in calls)

    def with_refund(self, refund: Refund) -> "Payment":
        """The payment with this refund added, or in the place of the one with its id."""
        return replace(self, refunds=_with(self.refunds, refund))

    def with_dispute(self, dispute: Dispute) -> "Payment":
        """The payment with this dispute added, or in the place of the one with its id."""
        return replace(self, disputes=_with(self.disputes, dispute))

    def with_fraud_warning(self, warning: FraudWarning) -> "Payment":
        """The payment with this warning added, or in the place of the one with its id."""
        return replace(self, fraud_warnings=_with(self.fraud_warnings, warning))

    def dispute(self, dispute_id: str) -> Dispute | None:
        """The dispute with this id of Stripe's."""
        return next((d for d in self.disputes if d.id == dispute_id), None)

    def refund(self, refund_id: str) -> Refund | None:
        """The refund with this id, ours or Stripe's."""
        named = [r for r in self.refunds if refund_id in (r.id, r.stripe_refund_id)]
        return named[0] if named else None

    def looks_like(self, other: "Payment") -> bool:
        """True when only bounds of our knowledge or notes about calls of ours differ."""
        return self == replace(
            other,
            creation=self.creation,
            calls=self.calls,
            as_of_from=self.as_of_from,
            as_of=self.as_of,
            version=self.version,
        )

    def news(self, before: "Payment") -> tuple[str, ...]:
        """A status that was reached; a further failed attempt when its reason is another."""
        moved = self.status is not before.status
        failed_anew = self.status is PaymentStatus.FAILED and self.last_error != before.last_error
        return (_TOLD[self.status],) if (moved or failed_anew) and self.status in _TOLD else ()

    def known_until(self, seen: Sighting) -> "Payment":
        """The same payment, with the bounds of our knowledge raised to this sighting's."""
        return replace(
            self,
            as_of_from=max(seen.as_of_from, self.as_of_from or 0),
            as_of=max(seen.as_of, self.as_of or 0),
        )

    def written(self, *, at: str) -> "Payment":
        """The payment as its row is written after a change: one version on."""
        return replace(self, version=self.version + 1, updated_at=at)

    @property
    def pointer_ids(self) -> frozenset[str]:
        """The ids under which it is found: Stripe's, for events without marks, and its refunds'."""
        own = (self.payment_intent_id, self.charge_id)
        of_refunds = (i for r in self.refunds for i in (r.id, r.stripe_refund_id))
        of_disputes = (dispute.id for dispute in self.disputes)
        of_warnings = (warning.id for warning in self.fraud_warnings)
        return frozenset(i for i in (*own, *of_refunds, *of_disputes, *of_warnings) if i)


class _Named(Protocol):
    """What has an id of its own inside a payment."""

    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _with(many: tuple[N, ...], one: N) -> tuple[N, ...]:
    """With this one added, or in the place of the one with its id."""
    if all(each.id != one.id for each in many):
        return (*many, one)
    return tuple(one if each.id == one.id else each for each in many)
