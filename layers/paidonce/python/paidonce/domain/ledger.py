"""The ledger's row: what was decided about one event, for as long as it may come again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# The kind of marker that a row carries until the bus has heard of it.
PUBLISH = "publish"
# How the reason of a row begins that an operator gave up.
DISCARDED = "discarded by "
# The index over the markers is spread over so many partitions.
PARTITIONS = "0123456789abcdef"


def marker(kind: str, partition: str) -> str:
    """A row's `todo`: what is left to do, and its partition of the index."""
    return f"{kind}#{partition}"


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    IGNORED = "ignored"
    FOREIGN = "foreign"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    FAILING = "failing"
    DEAD = "dead"

    @property
    def is_final(self) -> bool:
        """True when nothing more will be decided about the event."""
        return self not in (Outcome.WAITING, Outcome.FAILING, Outcome.DEAD)


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """Something that happened to an object of ours, told once under one id.

    `id` is `<aggregate>.<version>.<type>`; `occurred_at` is ISO 8601, UTC; `object` is the
    aggregate as the API shows it at that version.
    """

    id: str
    type: str
    version: int
    occurred_at: str
    object: Mapping[str, Any]


def answer_id(idempotency_key: str) -> str:
    """The ledger's name of Stripe's answer to a call of ours."""
    return f"answer#{idempotency_key}"


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One event's row; keys are `evt_…`, `answer#<idempotency key>`, `read#<object>#<as_of>`.

    `operator#<id>` is what an operator did, and `replay_id` of a row is the deed that decided it.
    Times are ISO 8601, UTC. `error_class` and `error_place` name what failed, never its message.
    `is_published`: the bus has heard of the domain events.
    """

    event_id: str
    event_type: str
    outcome: Outcome
    livemode: bool
    decided_at: str
    reason: str | None = None
    created: int | None = None
    received_at: str | None = None
    aggregate_id: str | None = None
    attempts: int = 1
    error_class: str | None = None
    error_place: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    api_version: str | None = None
    replay_id: str | None = None
    domain_events: tuple[DomainEvent, ...] = field(default=())
    is_published: bool = False

    @property
    def is_discarded(self) -> bool:
        """A call that an operator gave up: dead, so that its end can still be noted, and over."""
        return self.outcome is Outcome.DEAD and (self.reason or "").startswith(DISCARDED)

    @property
    def todo(self) -> str | None:
        """`<kind>#<hex digit>` while something is still due, spread over 16 index partitions."""
        if self.outcome.is_final:
            kind = PUBLISH if self.domain_events and not self.is_published else None
        else:
            kind = None if self.is_discarded else self.outcome.value
        if kind is None:
            return None
        return marker(kind, hashlib.sha256(self.event_id.encode()).hexdigest()[0])
