"""A domain event on the bus: what the envelope says of it, and the same read by a consumer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.errors import InvalidRequest
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.ownership import Stage

_STRIPE_EVENT = "evt_"


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """One domain event as the bus carries it (api.md section 3).

    `id` is the same however often it is put. `stripe_event_id` is None where an answer of Stripe to
    a call of ours, or a reading, told of it first. `object` is the aggregate as the API shows it.
    """

    id: str
    type: str
    version: int
    occurred_at: str
    stripe_event_id: str | None
    stage: str
    livemode: bool
    object: Mapping[str, Any]
    correlation_id: str | None = None

    @property
    def about(self) -> str | None:
        """The last part of an id that names more than the row: a refund, a stray intent, …."""
        named = self.id.removeprefix(f"{self.object.get('id')}.{self.version}.{self.type}")
        return named.removeprefix(".") if named.startswith(".") and named != self.id else None

    @property
    def source(self) -> str:
        """EventBridge's source: `paidonce.<stage>`."""
        return f"paidonce.{self.stage}"

    @property
    def detail(self) -> str:
        """EventBridge's detail, as JSON."""
        return json.dumps(
            {
                "id": self.id,
                "version": self.version,
                "occurred_at": self.occurred_at,
                "stripe_event_id": self.stripe_event_id,
                "stage": self.stage,
                "livemode": self.livemode,
                "correlation_id": self.correlation_id,
                "object": self.object,
            },
            separators=(",", ":"),
        )

    @classmethod
    def parse(cls, envelope: str) -> "Announcement":
        """Read EventBridge's envelope as a rule's target gets it; raises InvalidRequest."""
        try:
            document = json.loads(envelope)
            detail = document["detail"]
            return cls(
                id=_text(detail["id"]),
                type=_text(document["detail-type"]),
                version=int(detail["version"]),
                occurred_at=_text(detail["occurred_at"]),
                stripe_event_id=detail.get("stripe_event_id"),
                stage=_text(detail["stage"]),
                livemode=detail["livemode"] is True,
                object=dict(detail["object"]),
                correlation_id=detail.get("correlation_id"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidRequest("the message is no domain event of Paid Once") from error


def announcements_of(row: LedgerRow, stage: Stage) -> tuple[Announcement, ...]:
    """What the bus is told of one ledger row, in the order in which it was decided."""
    is_event = row.event_id.startswith(_STRIPE_EVENT)
    return tuple(
        Announcement(
            id=event.id,
            type=event.type,
            version=event.version,
            occurred_at=event.occurred_at,
            stripe_event_id=row.event_id if is_event else None,
            stage=stage.name,
            livemode=row.livemode,
            object=event.object,
            correlation_id=row.correlation_id,
        )
        for event in row.domain_events
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value
