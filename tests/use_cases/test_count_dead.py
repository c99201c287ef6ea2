"""What is dead is counted in each run, until a person has seen to it."""

from dataclasses import dataclass, field, replace

from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import DAY_SECONDS, iso
from paidonce.domain.operation import Operation
from paidonce.use_cases.count_dead import CountDead
from paidonce.use_cases.dead_letter_port import DeadLetter
from paidonce.use_cases.dead_letters import DeadLetterDesk, Deed

from tests.examples import NOON, STAGE
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_dead_letters import FakeDeadLetters
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_telemetry import FakeTelemetry

DEED = Deed(id="r-1", who="ann", what="it was settled by hand")


def a_minute() -> float:
    return 60.0


def a_dead_row(event_id: str = "evt_1", *, days: float = 0.1) -> LedgerRow:
    at = iso(NOON - days * DAY_SECONDS)
    return LedgerRow(
        event_id=event_id,
        event_type="payment_intent.succeeded",
        outcome=Outcome.DEAD,
        livemode=False,
        received_at=at,
        decided_at=at,
    )


@dataclass
class Bench:
    """The gauge over a ledger."""

    tables: Tables = field(default_factory=Tables)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))

    def holds(self, *rows: LedgerRow) -> None:
        self.tables.rows.update({row.event_id: row for row in rows})

    def gauges(self, *, rows_max: int = 500, seconds: float = 60.0) -> dict[str, int]:
        """What one run writes."""
        telemetry = FakeTelemetry()
        CountDead(
            search=FakeLedgerSearch(self.tables),
            clock=self.clock,
            telemetry=telemetry,
            rows_max=rows_max,
        )(time_left=lambda: seconds)
        return dict(telemetry.counts)

    def discards(self, letter: DeadLetter) -> None:
        letters = FakeDeadLetters(letter)
        books = FakeBooks(self.tables)
        desk = DeadLetterDesk(letters=letters, books=books, clock=self.clock, stage=STAGE)
        list(desk.discard(DEED, wanted=lambda _: True))


def a_letter(body: str, **attributes: str) -> DeadLetter:
    return DeadLetter(
        message_id="m1", receipt_handle="r1", body=body, attributes=attributes, sent_at="x"
    )


def test_none_is_written_too_or_the_alarm_would_stay_for_ever() -> None:
    assert Bench().gauges() == {"DeadRows": 0, "DeadRowsOldestSeconds": 0}


def test_all_are_counted_and_the_age_is_since_the_oldest_first_came() -> None:
    """Its message has been somewhere since then, and dead letters forget."""
    bench = Bench()
    bench.holds(a_dead_row("evt_1", days=3), a_dead_row("read#1"), a_dead_row("answer#1"))
    bench.holds(replace(a_dead_row("evt_2", days=9), outcome=Outcome.WAITING))
    bench.holds(replace(a_dead_row("evt_3", days=0.2), received_at=iso(NOON - 5 * DAY_SECONDS)))
    assert bench.gauges() == {"DeadRows": 3 + 1, "DeadRowsOldestSeconds": 5 * DAY_SECONDS}


def test_a_run_that_is_cut_short_says_what_it_saw_and_never_that_there_is_none() -> None:
    bench = Bench()
    bench.holds(*(a_dead_row(f"evt_{n}") for n in range(4)))
    assert bench.gauges(rows_max=2) == {"DeadRows": 2}
    assert bench.gauges(seconds=0.0) == {}


def test_a_discarded_event_is_dead_no_more() -> None:
    bench = Bench()
    bench.holds(a_dead_row("evt_1"))
    bench.discards(a_letter('{"id": "evt_1"}', event_id="evt_1"))
    assert bench.gauges()["DeadRows"] == 0


def test_a_discarded_call_is_not_counted_and_its_row_can_still_be_ended() -> None:
    """A final row would say that its end was noted: whoever asks again could never note it."""
    bench = Bench()
    operation = Operation(aggregate_id="pay_1", call="pay_1_cancel_1")
    bench.holds(a_dead_row("answer#pay_1_cancel_1"))
    bench.discards(a_letter(operation.message()))
    row = bench.tables.rows["answer#pay_1_cancel_1"]
    assert (row.outcome, row.reason) == (
        Outcome.DEAD,
        "discarded by ann: it was settled by hand",
    )
    assert bench.gauges()["DeadRows"] == 0


def test_many_discarded_calls_do_not_hide_what_died_after_them() -> None:
    """They stay `dead` in the ledger; a run that looked at them first never came to the others."""
    bench = Bench()
    for n in range(3):
        operation = Operation(aggregate_id="pay_1", call=f"pay_1_cancel_{n}")
        bench.holds(a_dead_row(f"answer#pay_1_cancel_{n}"))
        bench.discards(a_letter(operation.message()))
    bench.clock.advance(60)
    bench.holds(a_dead_row("evt_1"))
    assert bench.gauges(rows_max=2).get("DeadRows") == 1
    assert {row.todo for row in bench.tables.rows.values() if row.is_discarded} == {None}
