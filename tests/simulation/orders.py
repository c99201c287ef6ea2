"""Every order of some events, with copies, by the real worker; what they are about is a subclass's.

The state is the row that the events decide about, the ledger's rows, and the domain events told.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import pytest
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.stripe_event import StripeEvent

from tests.use_cases.worker import Worker, stripe_holds

Row = TypeVar("Row")
Told = tuple[str, ...]

# Seconds between an event and the next.
PACES = {"one second": 0, "different seconds": 2}
FETCHES = {"late fetches": True, "early fetches": False}

in_each_pace = pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
# What a fetch shows: the end, or no more than the newest event that came.
with_each_fetch = pytest.mark.parametrize("sees_the_end", FETCHES.values(), ids=FETCHES)


class Explorer(ABC, Generic[Row]):
    """Delivers what is left in every order; states that are the same are gone on from once.

    The event of number n has the id `evt_<n>`.
    """

    def __init__(self, events: Sequence[StripeEvent], *, sees_the_end: bool) -> None:
        self.events = events
        self.sees_the_end = sees_the_end
        self.seen: set[Hashable] = set()
        self.orders = 0

    @abstractmethod
    def known(self, row: Row, told: Told) -> Hashable:
        """What tells states apart in which the same events were delivered."""

    @abstractmethod
    def worker_with(self, row: Row) -> Worker:
        """The worker, where this row is stored."""

    @abstractmethod
    def row_of(self, worker: Worker) -> Row:
        """The row, as it is stored now."""

    @abstractmethod
    def held_at(self, number: int) -> Sequence[Mapping[str, Any]]:
        """What Stripe holds once the event of that number was made; the last of an id counts."""

    @abstractmethod
    def judge(self, row: Row, told: Told) -> None:
        """Fail unless this is right when every event was delivered."""

    def go(self, row: Row, rows: dict[str, LedgerRow], told: Told) -> None:
        """From here on, every order of what is left, and each copy of what was delivered."""
        key = (frozenset(rows), self.known(row, told))
        if key in self.seen:
            return
        self.seen.add(key)
        left = [n for n, event in enumerate(self.events) if event.id not in rows]
        if not left:
            self.orders += 1
            self.judge(row, told)
        for number, event in enumerate(self.events):
            after, rows_after = self.delivered(row, rows, number)
            if number in left:
                more = tuple(e.type for e in rows_after[event.id].domain_events)
                self.go(after, rows_after, told + more)
            else:
                assert (after, rows_after) == (row, rows), f"a copy of {event.id} changed something"

    def delivered(
        self, row: Row, rows: dict[str, LedgerRow], number: int
    ) -> tuple[Row, dict[str, LedgerRow]]:
        """One event, twice in one batch, to the real worker."""
        worker = self.worker_with(row)
        worker.tables.rows.update(rows)
        newest = max([number, *(int(i.removeprefix("evt_")) for i in rows)])
        shown = len(self.events) - 1 if self.sees_the_end else newest
        worker.clock.time = float(self.events[shown].created)
        for found in self.held_at(shown):
            stripe_holds(worker, dict(found))
        event = self.events[number]
        again = worker.takes(worker.delivery(event), worker.delivery(event))
        assert again == set(), again
        assert worker.queue.copies == [], worker.queue.copies
        return self.row_of(worker), worker.tables.rows

    def explore(self, row: Row) -> int:
        """Every order from this row on, before any event; answers how many ends were judged."""
        self.go(row, {}, ())
        return self.orders
