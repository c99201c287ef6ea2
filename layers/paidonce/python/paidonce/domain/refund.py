"""A refund of a payment: reserved in the payment's row before Stripe is asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from paidonce.domain.stripe_call import StripeCall


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


@dataclass(frozen=True, kw_only=True)
class Refund:
    """One refund. `id` is ours (`ref_…`), or Stripe's for one made in the Dashboard.

    `call` is None for a refund that we did not ask for. A reserved one holds back its amount.
    """

    id: str
    amount_minor: int
    status: RefundStatus
    reason: str | None = None
    stripe_refund_id: str | None = None
    call: StripeCall | None = None

    def view(self) -> Mapping[str, Any]:
        """As it stands in a payment (api.md section 1)."""
        reserved = self.status is RefundStatus.RESERVED
        return {
            "id": self.id,
            "amount_minor": self.amount_minor,
            "status": (RefundStatus.PENDING if reserved else self.status).value,
            "reason": self.reason,
        }
