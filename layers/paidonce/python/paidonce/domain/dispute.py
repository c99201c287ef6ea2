"""A dispute over money that a payment took: where it stands with the shopper's bank."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from paidonce.domain.moment import iso
from paidonce.domain.ownership import id_in


class DisputeStage(IntEnum):
    """How far a dispute has come: it never goes back, an inquiry can become a chargeback."""

    INQUIRY = 0
    INQUIRY_CLOSED = 1
    CHARGEBACK = 2
    CLOSED = 3


class DisputeStatus(StrEnum):
    """Stripe's statuses: https://docs.stripe.com/api/disputes/object."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    PREVENTED = "prevented"
    WON = "won"
    LOST = "lost"

    @property
    def stage(self) -> DisputeStage:
        """Its place in the one direction."""
        return _STAGE_OF[self]


_STAGE_OF = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: DisputeStage.INQUIRY,
    DisputeStatus.WARNING_UNDER_REVIEW: DisputeStage.INQUIRY,
    DisputeStatus.WARNING_CLOSED: DisputeStage.INQUIRY_CLOSED,
    DisputeStatus.NEEDS_RESPONSE: DisputeStage.CHARGEBACK,
    DisputeStatus.UNDER_REVIEW: DisputeStage.CHARGEBACK,
    DisputeStatus.PREVENTED: DisputeStage.CLOSED,
    DisputeStatus.WON: DisputeStage.CLOSED,
    DisputeStatus.LOST: DisputeStage.CLOSED,
}


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """One dispute, under Stripe's id. `due_by` (seconds since 1970) is when evidence must be there.

    `charge_id` can be a second charge of the same order, where a shopper paid twice.
    """

    id: str
    status: DisputeStatus
    amount_minor: int
    reason: str | None = None
    due_by: int | None = None
    charge_id: str | None = None

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Dispute":
        """Stripe's dispute; raises ValueError for a status that is new to us."""
        return cls(
            id=found["id"],
            status=DisputeStatus(found["status"]),
            amount_minor=found["amount"],
            reason=found.get("reason"),
            due_by=(found.get("evidence_details") or {}).get("due_by"),
            charge_id=id_in(found.get("charge")),
        )

    def view(self) -> Mapping[str, Any]:
        """As it stands in a payment (api.md section 1)."""
        return {
            "id": self.id,
            "status": self.status.value,
            "reason": self.reason,
            "amount_minor": self.amount_minor,
            "due_by": None if self.due_by is None else iso(self.due_by),
        }
