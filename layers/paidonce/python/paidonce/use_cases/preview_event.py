"""Show what deciding an event anew would change, without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import Outcome
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.decide_alone import DecideAlone
from paidonce.use_cases.ports import Delivery

# No replay has this id: an event that was replayed before is shown as one that was not.
_PREVIEW = "preview"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would become of one event. `now` is what the ledger says of it, None: nothing.

    `would` is None where a replay leaves it alone, and `waits` then says why it could not be
    decided now, if that is the reason. `changes`: field of the row as the API shows it → (now,
    then). `tells` are ids of domain events that would be put on the bus.
    """

    event_id: str
    event_type: str
    now: Outcome | None
    would: Outcome | None = None
    reason: str | None = None
    waits: str | None = None
    aggregate_id: str | None = None
    changes: Mapping[str, tuple[Any, Any]]
    tells: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PreviewEvent:
    """The verb behind `paidonce replay --dry-run`: the worker's own decision, not written."""

    decide_alone: DecideAlone

    def __call__(self, event: StripeEvent, *, force: bool) -> Preview:
        """Reads rows, and Stripe where the payload cannot decide. Raises what a rule raises."""
        words = {"replay_id": _PREVIEW} | ({"replay_force": "true"} if force else {})
        delivery = Delivery(
            message_id=event.id,
            receipt_handle="",
            receive_count=1,
            body="",
            attributes=words,
            event_id=event.id,
            event=event,
        )
        standing = self.decide_alone.opened([event]).row_of(event.id)
        now = standing.outcome if standing else None
        try:
            fold = self.decide_alone(delivery, event)
        except TryAgain as error:
            return Preview(
                event_id=event.id, event_type=event.type, now=now, waits=error.code, changes={}
            )
        if not fold.rows:
            return Preview(event_id=event.id, event_type=event.type, now=now, changes={})
        (row,) = fold.rows
        entry = fold.entry()
        known = {one.id for one in standing.domain_events} if standing else set()
        return Preview(
            event_id=event.id,
            event_type=event.type,
            now=now,
            would=row.outcome,
            reason=row.reason,
            aggregate_id=row.aggregate_id,
            changes=_changes([(None, made) for made in entry.made] + list(entry.changed)),
            tells=tuple(one.id for one in row.domain_events if one.id not in known),
        )


def _changes(
    pairs: list[tuple[Aggregate | None, Aggregate]] | list[tuple[Aggregate, Aggregate]],
) -> dict[str, tuple[Any, Any]]:
    """The fields that differ as the API shows them; one event changes at most one row."""
    found: dict[str, tuple[Any, Any]] = {}
    for before, after in pairs:
        old: Mapping[str, Any] = before.view() if before else {}
        for name, value in after.view().items():
            if old.get(name) != value:
                found[name] = (old.get(name), value)
    return found
