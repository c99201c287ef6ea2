"""Every change is told at least once, always under one id, and its marker goes last."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import LedgerRow
from paidonce.use_cases.publish_changes import PublishChanges
from paidonce.use_cases.publish_due import Found, PublishDue

from tests.a_change import a_domain_event, a_told_row
from tests.examples import STAGE
from tests.fakes import FakeClock, Tables
from tests.fakes_publishing import FakeEventBus, FakeOutbox
from tests.fakes_telemetry import FakeTelemetry

PAID = "pay_1.3.payment.paid"


@dataclass
class Publisher:
    """The verbs on fakes."""

    tables: Tables = field(default_factory=Tables)
    bus: FakeEventBus = field(default_factory=FakeEventBus)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    page_rows: int = 25

    def __post_init__(self) -> None:
        """One outbox for both verbs."""
        self.outbox = FakeOutbox(self.tables, page_rows=self.page_rows)
        self.publish_changes = PublishChanges(
            bus=self.bus, outbox=self.outbox, telemetry=self.telemetry, stage=STAGE
        )
        self.publish_due = PublishDue(
            publish_changes=self.publish_changes,
            outbox=self.outbox,
            clock=self.clock,
            telemetry=self.telemetry,
            due_after_seconds=300,
        )

    def decide(self, *rows: LedgerRow) -> list[LedgerRow]:
        """Write rows as the worker does; the stream brings them as they were written."""
        self.tables.rows.update({row.event_id: row for row in rows})
        return list(rows)

    @property
    def marked(self) -> set[str]:
        """Rows that still carry a marker."""
        return {row.event_id for row in self.tables.rows.values() if row.todo}


def rows_of(count: int, **changes: Any) -> list[LedgerRow]:
    """So many rows, each with a domain event of its own."""
    return [
        a_told_row(a_domain_event(id=f"pay_{n}.1.payment.paid"), event_id=f"evt_{n:03}", **changes)
        for n in range(count)
    ]


def test_a_change_is_told_and_its_marker_taken_off() -> None:
    desk = Publisher()
    assert desk.publish_changes(desk.decide(a_told_row())) == set()
    assert desk.bus.ids == [PAID]
    assert desk.marked == set()
    assert desk.telemetry.counts["ChangesPublished"] == 1


def test_how_payments_end_is_counted_where_each_change_is_told_once() -> None:
    desk = Publisher()
    failed = a_domain_event("payment.failed", id="pay_2.1.payment.failed")
    desk.publish_changes(desk.decide(*rows_of(3), a_told_row(failed, event_id="evt_9")))
    assert desk.telemetry.counts["PaymentsPaid"] == 3
    assert desk.telemetry.counts["PaymentsFailed"] == 1


def test_a_crash_between_the_bus_and_the_marker_tells_it_again_under_the_same_id() -> None:
    desk = Publisher()
    rows = desk.decide(a_told_row())
    desk.outbox.faults.plan("settle", TryAgain("full"))
    assert desk.publish_changes(rows) == {"evt_1"}
    assert desk.marked == {"evt_1"}
    assert desk.publish_changes(rows) == set()
    assert desk.bus.ids == [PAID, PAID]
    assert desk.marked == set()


def test_a_refused_entry_is_a_failure_and_its_neighbours_are_told() -> None:
    """FailedEntryCount is no exception, so nobody but us can notice."""
    desk = Publisher()
    rows = desk.decide(*rows_of(3))
    desk.bus.refuses = {"pay_1.1.payment.paid": "ThrottlingException"}
    assert desk.publish_changes(rows) == {"evt_001"}
    assert desk.marked == {"evt_001"}
    assert desk.telemetry.counts["PublishFailures"] == 1
    (told,) = desk.telemetry.faults
    assert told[2]["code"] == "ThrottlingException"


def test_a_row_with_several_events_is_done_only_when_all_are_told() -> None:
    desk = Publisher()
    events = (a_domain_event("refund.settled", id="pay_1.3.refund.settled.re_1"), a_domain_event())
    rows = desk.decide(a_told_row(*events))
    desk.bus.refuses = {PAID: "InternalFailure"}
    assert desk.publish_changes(rows) == {"evt_1"}
    assert desk.marked == {"evt_1"}
    desk.bus.refuses = {}
    assert desk.publish_changes(rows) == set()
    assert set(desk.bus.ids) == {event.id for event in events}


def test_a_bus_that_does_not_answer_fails_the_batch() -> None:
    desk = Publisher()
    rows = desk.decide(*rows_of(2))
    desk.bus.faults.plan("put", TryAgain("away"))
    assert desk.publish_changes(rows) == {"evt_000", "evt_001"}
    assert desk.marked == {"evt_000", "evt_001"}


def test_a_row_that_was_decided_anew_keeps_its_marker() -> None:
    """The stream brings what the row was; what it is now has more to tell."""
    desk = Publisher()
    (old,) = desk.decide(a_told_row())
    more = a_domain_event("refund.settled", id="pay_1.4.refund.settled.re_1", version=4)
    (new,) = desk.decide(
        replace(
            old,
            decided_at="2026-09-21T15:00:00.000Z",
            domain_events=(*old.domain_events, more),
        )
    )
    assert desk.publish_changes([old]) == set()
    assert desk.marked == {"evt_1"}
    assert desk.publish_changes([new]) == set()
    assert desk.marked == set()
    assert desk.bus.ids == [PAID, PAID, more.id]


def test_a_change_that_the_stream_brings_late_stays_settled() -> None:
    desk = Publisher()
    rows = desk.decide(a_told_row())
    desk.publish_changes(rows)
    assert desk.publish_changes(rows) == set()
    assert desk.marked == set()


# --- what is due ----------------------------------------------------------------------------------


def test_what_the_stream_gave_up_is_found_by_its_marker_and_told() -> None:
    desk = Publisher()
    desk.clock.time = 1_790_000_000 + 3600
    old = desk.decide(*rows_of(40))
    fresh = a_told_row(event_id="evt_fresh", decided_at="2026-09-21T15:10:00.000Z")
    desk.decide(fresh)
    found = desk.publish_due(time_left=desk.clock.time_left(60))
    assert found == Found(rows=40, failed=0, is_all=True)
    assert sorted(desk.bus.ids) == sorted(event.id for row in old for event in row.domain_events)
    assert desk.marked == {"evt_fresh"}
    assert desk.telemetry.counts["ChangesPublishedLate"] == 40
    assert desk.publish_due(time_left=desk.clock.time_left(60)) == Found(
        rows=0, failed=0, is_all=True
    )


def test_a_row_that_fails_again_does_not_hold_up_the_others() -> None:
    desk = Publisher(page_rows=1)
    desk.clock.time = 1_790_000_000 + 3600
    desk.decide(*rows_of(5))
    desk.bus.refuses = {"pay_2.1.payment.paid": "InternalFailure"}
    found = desk.publish_due(time_left=desk.clock.time_left(60))
    assert found == Found(rows=5, failed=1, is_all=True)
    assert desk.marked == {"evt_002"}


def test_with_little_time_left_the_rest_is_for_the_next_run() -> None:
    desk = Publisher(page_rows=1)
    desk.clock.time = 1_790_000_000 + 3600
    desk.decide(*rows_of(5))
    desk.bus.faults.before("put", lambda: desk.clock.advance(58))
    found = desk.publish_due(time_left=desk.clock.time_left(60))
    assert found == Found(rows=1, failed=0, is_all=False)
    assert len(desk.marked) == 4
    assert desk.publish_due(time_left=desk.clock.time_left(60)).rows == 4


def test_an_index_that_cannot_be_read_is_told_to_the_caller() -> None:
    desk = Publisher()
    desk.outbox.faults.plan("due", TryAgain("throttled"))
    with pytest.raises(TryAgain):
        desk.publish_due(time_left=desk.clock.time_left(60))
