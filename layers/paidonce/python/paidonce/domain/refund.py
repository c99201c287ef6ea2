"""A refund of a payment: reserved in the payment's row before Stripe is asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from paidonce.domain.stripe_call import CallState, StripeCall


class RefundStage(IntEnum):
    """How far a refund has come. It moves one way, and can still fail after it succeeded."""

    RESERVED = 0
    PENDING = 1
    REQUIRES_ACTION = 2
    SUCCEEDED = 3
    ENDED = 4


class RefundStatus(StrEnum):
    """Stripe's statuses; `reserved` is ours until Stripe has answered (the API shows `pending`)."""

    RESERVED = "reserved"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def stage(self) -> RefundStage:
        """Its place in the one direction."""
        return RefundStage.ENDED if not self.stands else RefundStage[self.name]

    @property
    def stands(self) -> bool:
        """True while the money is refunded or is going to be."""
        return self not in (RefundStatus.FAILED, RefundStatus.CANCELED)

    @property
    def told_as(self) -> str:
        """The domain event of a refund that comes to this status (api.md section 3)."""
        if not self.stands:
            return "refund.failed"
        return "refund.settled" if self is RefundStatus.SUCCEEDED else "refund.pending"


@dataclass(frozen=True, kw_only=True)
class Refund:
    """One refund. `id` is ours (`ref_…`), or Stripe's for one made in the Dashboard.

    `call` is None for a refund that we did not ask for. A reserved one holds back its amount.
    One that failed with a refused call was never made at Stripe.
    """

    id: str
    amount_minor: int
    status: RefundStatus
    reason: str | None = None
    stripe_refund_id: str | None = None
    call: StripeCall | None = None

    @property
    def is_asked(self) -> bool:
        """True until it is known what became of our call."""
        return self.call is not None and self.call.state is CallState.OPEN

    def refused(self, refusal: str, *, stripe_code: str | None) -> "Refund":
        """The same refund once Stripe has said that it will never make it: its amount is free."""
        call = self.call and self.call.refused(refusal, stripe_code=stripe_code)
        return replace(self, status=RefundStatus.FAILED, call=call)

    @property
    def shown_status(self) -> str:
        """What callers see: to them a reserved refund is pending."""
        reserved = self.status is RefundStatus.RESERVED
        return (RefundStatus.PENDING if reserved else self.status).value

    def view(self) -> Mapping[str, Any]:
        """As it stands in a payment (api.md section 1)."""
        return {
            "id": self.id,
            "amount_minor": self.amount_minor,
            "status": self.shown_status,
            "reason": self.reason,
        }

    def whole(self, *, payment_id: str, currency: str) -> Mapping[str, Any]:
        """As it stands alone (api.md section 1)."""
        return {
            "id": self.id,
            "payment_id": payment_id,
            "stripe_refund_id": self.stripe_refund_id,
            "amount_minor": self.amount_minor,
            "currency": currency,
            "status": self.shown_status,
            "reason": self.reason,
        }
