"""A window of Stripe's events is looked through wholly, however often the run is cut short."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.sweep_events import SweepEvents
from paidonce.use_cases.sweep_ports import EventPage, ListedEvent

from tests.fakes import FakeBooks, FakeClock, Faults
from tests.fakes_references import FakeReferences
from tests.fakes_rotation import FakeSweeps
from tests.fakes_telemetry import FakeTelemetry

TYPES = tuple(f"type.{letter}{number}" for letter in "abc" for number in range(9))
PAGE = 3


@dataclass
class FakeEventList:
    """`EventList` over a list; pages are small."""

    events: list[ListedEvent] = field(default_factory=list)
    undelivered: set[str] = field(default_factory=set)
    faults: Faults = field(default_factory=Faults)

    def page(
        self,
        *,
        types: Sequence[str],
        created_from: int,
        created_to: int,
        after: str | None,
        only_undelivered: bool,
        time_left: TimeLeft,  # noqa: ARG002 - the port's shape
    ) -> EventPage:
        """See `EventList.page`."""
        with self.faults.around("page"):
            assert len(types) <= 20
            newest_first = sorted(self.events, key=lambda one: (one.created, one.id), reverse=True)
            found = [
                one
                for one in newest_first
                if one.type in types
                and created_from <= one.created <= created_to
                and (not only_undelivered or one.id in self.undelivered)
            ]
            ids = [one.id for one in found]
            start = ids.index(after) + 1 if after in ids else 0
            return EventPage(events=found[start : start + PAGE], has_more=len(found) > start + PAGE)


class Bench:
    """A sweep over fakes, bounded to `pages_max` a run."""

    def __init__(self, events: Sequence[ListedEvent] = (), *, pages_max: int = 100) -> None:
        self.clock = FakeClock()
        self.sweeps = FakeSweeps()
        self.events = FakeEventList(list(events))
        self.references = FakeReferences()
        self.books = FakeBooks()
        self.telemetry = FakeTelemetry()
        self.types = TYPES
        self.pages_max = pages_max

    def ask(self, window_from: int, window_to: int, *, fresh_from: int | None = None) -> None:
        wanted = Sweep(
            window_from=window_from,
            window_to=window_to,
            types="",
            fresh_from=fresh_from,
            asked_at=int(self.clock.now()),
        )
        self.sweeps.save(wanted, over=self.sweeps.stored)

    def run(self, seconds: float = 60) -> Sweep | None:
        return SweepEvents(
            sweeps=self.sweeps,
            events=self.events,
            books=self.books,
            references=self.references,
            clock=self.clock,
            telemetry=self.telemetry,
            event_types=self.types,
            pages_max=self.pages_max,
            seconds_for_a_page=10,
        )(time_left=self.clock.time_left(seconds))

    def knows(
        self, event_id: str, outcome: Outcome = Outcome.APPLIED, *, received_ago: int = 900
    ) -> None:
        self.books.tables.rows[event_id] = LedgerRow(
            event_id=event_id,
            event_type="t",
            outcome=outcome,
            livemode=False,
            decided_at="x",
            received_at=iso(self.clock.now() - received_ago),
        )


def event(number: int, *, created: int, type_: str = TYPES[0]) -> ListedEvent:
    name = f"evt_{number:03}"
    return ListedEvent(
        id=name, type=type_, created=created, livemode=False, correlation_id=f"of {name}"
    )


def test_nothing_is_done_that_nobody_asked_for() -> None:
    bench = Bench([event(1, created=5)])
    assert bench.run() is None
    assert bench.events.faults.calls == []


def test_what_has_no_row_is_queued_and_what_has_one_is_not() -> None:
    bench = Bench([event(n, created=100 + n) for n in range(8)])
    for number, outcome in enumerate((Outcome.APPLIED, Outcome.WAITING, Outcome.DEAD)):
        bench.knows(f"evt_{number:03}", outcome)
    bench.ask(100, 106)
    done = bench.run()
    assert done is not None
    assert done.is_complete
    assert sorted(bench.references.queued) == ["evt_003", "evt_004", "evt_005", "evt_006"]
    assert {one.correlation_id for one in bench.references.sent} == {
        f"of evt_{number:03}" for number in range(3, 7)
    }
    assert bench.telemetry.counts["MissingEventsQueued"] == 4


def test_every_type_is_asked_for_in_groups_of_20() -> None:
    bench = Bench([event(n, created=1, type_=name) for n, name in enumerate(TYPES)])
    bench.ask(0, 10)
    bench.run()
    assert sorted(bench.references.queued) == sorted(one.id for one in bench.events.events)


def test_a_run_is_bounded_by_its_time_and_goes_on_later() -> None:
    bench = Bench([event(n, created=n) for n in range(9)])
    bench.ask(0, 10)
    bench.run(seconds=5)
    assert bench.references.queued == []
    assert bench.run()
    assert len(set(bench.references.queued)) == 9


def test_what_stripe_calls_undelivered_is_sent_first_and_once() -> None:
    """Then everything is looked through, and what Stripe called delivered is found as well."""
    bench = Bench([event(n, created=n, type_=TYPES[n % 27]) for n in range(60)])
    for number in range(60):
        if number % 10:
            bench.knows(f"evt_{number:03}")
    bench.events.undelivered = {"evt_010", "evt_020", "evt_021"}
    bench.ask(0, 100)
    done = bench.run()
    assert done is not None
    assert done.is_complete
    assert sorted(bench.references.queued[:2]) == ["evt_010", "evt_020"]
    assert sorted(bench.references.queued[2:]) == ["evt_000", "evt_030", "evt_040", "evt_050"]


def test_what_was_sent_ahead_and_is_decided_by_now_counts_as_missing() -> None:
    """Its row is of something received since the window was asked for: silence is noticed."""
    bench = Bench([event(n, created=n) for n in (1, 2, 3)])
    bench.knows("evt_003")
    bench.events.undelivered = {"evt_001"}
    bench.ask(0, 10, fresh_from=0)

    def decided() -> None:
        assert bench.references.queued == ["evt_001"]
        bench.knows("evt_001", received_ago=0)

    # Two groups of types: the third page is the first of everything.
    bench.events.faults.before("page", lambda: None)
    bench.events.faults.before("page", lambda: bench.events.faults.before("page", decided))
    done = bench.run()
    assert done is not None
    assert (done.fresh_seen, done.fresh_missing) == (3, 2)
    assert bench.references.queued == ["evt_001", "evt_002"]


def test_the_shortcut_is_bounded_and_leaves_time_for_the_pass() -> None:
    bench = Bench([event(n, created=n) for n in range(60)])
    bench.events.undelivered = {one.id for one in bench.events.events}
    bench.ask(0, 100)
    # Time for a page, and not for two.
    standing = bench.run(seconds=19)
    assert standing is not None
    assert not standing.is_untouched or standing.is_complete
    bench = Bench([event(n, created=n) for n in range(60)], pages_max=1)
    bench.events.undelivered = {one.id for one in bench.events.events}
    bench.ask(0, 100)
    bench.run()
    # Ten pages of the undelivered of this group, and none in the other; then one of everything.
    assert bench.events.faults.calls == ["page"] * (10 + 1 + 1)
    assert len(bench.references.queued) == 30
    # The next run is in the midst of the window: the shortcut is over.
    bench.run()
    assert len(bench.events.faults.calls) == 13


def test_other_types_after_a_deployment_begin_anew() -> None:
    """Groups mean nothing under other types: the first run's progress is not believed."""
    bench = Bench([event(1, created=1, type_="new.type"), event(2, created=2)], pages_max=1)
    bench.ask(0, 10)
    bench.run()
    bench.types = ("new.type",)
    bench.run()
    assert sorted(bench.references.queued) == ["evt_001", "evt_002"]


def test_what_cannot_be_queued_is_not_noted_as_done() -> None:
    bench = Bench([event(n, created=n) for n in range(4)])
    bench.ask(0, 10)
    bench.references.faults.plan("send", TryAgain("full"))
    with pytest.raises(TryAgain):
        bench.run()
    bench.run()
    assert sorted(set(bench.references.queued)) == [f"evt_{n:03}" for n in range(4)]


@given(
    seconds=st.lists(st.integers(0, 12), max_size=25),
    pages_max=st.integers(4, 6),
    crashes=st.lists(st.integers(1, 6), max_size=4),
)
def test_every_event_of_the_window_is_found_however_the_runs_are_cut(
    seconds: list[int], pages_max: int, crashes: list[int]
) -> None:
    """Up to nine events of one second, three a page, four pages a run at least."""
    kept = [s for n, s in enumerate(seconds) if seconds[:n].count(s) < 9]
    bench = Bench(
        [event(n, created=s, type_=TYPES[n % 27]) for n, s in enumerate(kept)],
        pages_max=pages_max,
    )
    bench.ask(2, 9)
    for _ in range(40):
        if crashes:
            for _ in range(crashes.pop()):
                bench.events.faults.plan("page.after", TryAgain("cut"))
        try:
            swept = bench.run()
        except TryAgain:
            continue
        if swept is not None and swept.is_complete:
            break
    assert bench.sweeps.stored is not None
    assert bench.sweeps.stored.is_complete
    wanted = {one.id for one in bench.events.events if 2 <= one.created <= 9}
    assert set(bench.references.queued) == wanted
