"""What was lost is looked for on a schedule: bounded, resumable, and beside itself."""

from dataclasses import dataclass, field, replace

import pytest
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.reading import Reading
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.keep_sweeping import LISTED_SECONDS, KeepSweeping, Kind
from paidonce.use_cases.mend_drift import MendDrift
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.read_again import ReadAgain
from paidonce.use_cases.reconcile import Reconcile, ReconcileFailedError
from paidonce.use_cases.resend_stale import ResendStale
from paidonce.use_cases.sweep_events import SweepEvents
from paidonce.use_cases.sweep_ports import ListedEvent
from paidonce.use_cases.verify import Verify
from paidonce.use_cases.watch_endpoints import WatchEndpoints

from tests.examples import NOON, STAGE, an_intent
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_references import FakeReferences
from tests.fakes_rotation import FakeSweeps, FakeWebhookEndpoints
from tests.fakes_stripe import FakeStripe, FakeStripeGateway
from tests.fakes_telemetry import FakeTelemetry
from tests.use_cases.test_sweep_events import FakeEventList

YOUNG = 900
HOUR = 3_600
TYPE = "type.a0"


def a_minute() -> float:
    return 60.0


def a_row(
    event_id: str, outcome: Outcome = Outcome.APPLIED, *, at: float = NOON, event_type: str = TYPE
) -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type=event_type,
        outcome=outcome,
        livemode=False,
        decided_at=iso(at),
    )


@dataclass
class Bench:
    """One kind of sweep over fakes."""

    kind: Kind = Kind.RECENT
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    sweeps: FakeSweeps = field(default_factory=FakeSweeps)
    events: FakeEventList = field(default_factory=FakeEventList)
    references: FakeReferences = field(default_factory=FakeReferences)
    books: FakeBooks = field(default_factory=FakeBooks)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    def run(self, *, every_seconds: int = 0) -> Sweep:
        sweep = SweepEvents(
            sweeps=self.sweeps,
            events=self.events,
            books=self.books,
            references=self.references,
            clock=self.clock,
            telemetry=self.telemetry,
            event_types=[TYPE],
            pages_max=100,
            seconds_for_a_page=1,
        )
        keep = KeepSweeping(
            kind=self.kind,
            sweep=sweep,
            sweeps=self.sweeps,
            clock=self.clock,
            telemetry=self.telemetry,
            missing_after_seconds=YOUNG,
            every_seconds=every_seconds,
        )
        return keep(time_left=a_minute)

    def happens(self, name: str, *, ago: int = 0, arrives: bool = True) -> None:
        created = int(self.clock.now()) - ago
        self.events.events.append(
            ListedEvent(id=name, type=TYPE, created=created, livemode=False, correlation_id=name)
        )
        if arrives:
            self.books.tables.rows[name] = a_row(name)


# --- windows --------------------------------------------------------------------------------------


def test_a_stage_begins_with_all_that_stripe_lists_and_leaves_what_is_young() -> None:
    bench = Bench()
    bench.happens("evt_old", ago=29 * 86_400, arrives=False)
    bench.happens("evt_young", ago=YOUNG - 1, arrives=False)
    found = bench.run()
    assert (found.window_from, found.window_to) == (NOON - LISTED_SECONDS, NOON - YOUNG)
    assert found.is_complete
    assert bench.references.queued == ["evt_old"]


def test_the_next_window_begins_an_hour_before_the_last_one_ended() -> None:
    bench = Bench()
    first = bench.run()
    bench.clock.advance(HOUR)
    second = bench.run()
    assert second.window_from == first.window_to - HOUR
    assert second.window_to == first.window_to + HOUR


def test_a_window_that_is_not_complete_goes_on_and_is_not_replaced() -> None:
    bench = Bench()
    bench.happens("evt_1", ago=YOUNG + 10, arrives=False)
    bench.events.faults.plan("page", TryAgain("Stripe is away"))
    with pytest.raises(TryAgain):
        bench.run()
    standing = bench.sweeps.stored
    assert standing is not None
    bench.clock.advance(5 * HOUR)
    assert bench.run().window_to == standing.window_to
    assert bench.references.queued == ["evt_1"]


def test_all_is_looked_at_again_only_when_it_is_due() -> None:
    bench = Bench(kind=Kind.ALL)
    first = bench.run(every_seconds=7 * 86_400)
    bench.clock.advance(86_400)
    assert bench.run(every_seconds=7 * 86_400) == first
    bench.clock.advance(7 * 86_400)
    again = bench.run(every_seconds=7 * 86_400)
    assert again.window_from == int(bench.clock.now()) - LISTED_SECONDS


def test_how_far_behind_we_are_is_told_each_time() -> None:
    bench = Bench()
    bench.run()
    assert bench.telemetry.counts["UnreconciledSeconds"] == 0
    bench.clock.advance(3 * HOUR)
    bench.events.faults.plan("page", TryAgain("Stripe is away"))
    with pytest.raises(TryAgain):
        bench.run()
    bench.clock.advance(3 * HOUR)
    bench.run()
    assert bench.telemetry.counts["UnreconciledSeconds"] == 3 * HOUR


# --- silence --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrivals", "is_silent"),
    [([False, False], True), ([False, True], False), ([True, True], False), ([], False)],
)
def test_silence_is_a_window_of_which_nothing_at_all_arrived(
    arrivals: list[bool],
    is_silent: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    bench = Bench()
    bench.happens("evt_before", ago=2 * HOUR)
    bench.run()
    bench.clock.advance(2 * HOUR)
    for n, arrives in enumerate(arrivals):
        bench.happens(f"evt_{n}", ago=HOUR, arrives=arrives)
    bench.run()
    assert bench.telemetry.counts["Silence"] == int(is_silent)


def test_silence_is_told_although_the_last_run_repaired_what_the_windows_share() -> None:
    """The hour that two windows share has rows by now; only what is new to this one counts."""
    bench = Bench()
    bench.run()
    for _ in range(3):
        bench.clock.advance(HOUR)
        bench.happens(f"evt_{bench.clock.now()}", ago=YOUNG + 60, arrives=False)
        bench.run()
        for name in bench.references.queued:
            bench.books.tables.rows[name] = a_row(name)
    assert bench.telemetry.counts["Silence"] == 3


# --- rows that nobody has touched -----------------------------------------------------------------


def resend(*rows: LedgerRow, rows_max: int = 100) -> tuple[int, FakeReferences]:
    tables, box = Tables(rows={row.event_id: row for row in rows}), FakeReferences()
    stale = ResendStale(
        search=FakeLedgerSearch(tables),
        references=box,
        clock=FakeClock(NOON + HOUR + 1),
        telemetry=FakeTelemetry(),
        stale_after_seconds=HOUR,
        rows_max=rows_max,
    )
    return stale(time_left=a_minute), box


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.FAILING])
def test_what_nobody_touched_for_an_hour_is_sent_by_its_id(outcome: Outcome) -> None:
    sent, box = resend(a_row("evt_1", outcome), a_row("evt_2", outcome, at=NOON + 10))
    assert sent == 1
    (one,) = box.sent
    assert one.body == '{"kind": "event", "schema": 1, "id": "evt_1"}'
    assert one.attributes["event_id"] == "evt_1"


def test_a_reading_is_asked_for_under_its_own_name() -> None:
    reading = Reading(object_id="pi_1", as_of=NOON)
    _, box = resend(a_row(reading.name, Outcome.WAITING))
    assert [one.body for one in box.sent] == [reading.message()]


def test_what_is_dead_is_never_sent_however_often_it_runs() -> None:
    for _ in range(10):
        sent, box = resend(a_row("evt_1", Outcome.DEAD), a_row("evt_2"))
        assert (sent, box.sent) == (0, [])


def test_calls_of_ours_are_left_to_their_own_queue() -> None:
    sent, _ = resend(a_row("answer#pay_1_a1", Outcome.WAITING))
    assert sent == 0


def test_a_run_is_bounded() -> None:
    rows = [a_row(f"evt_{n}", Outcome.WAITING) for n in range(9)]
    sent, box = resend(*rows, rows_max=4)
    assert sent == len(box.sent) == 4


# --- drift ----------------------------------------------------------------------------------------


class Comparison:
    """MendDrift over fakes; the row is not as Stripe has it."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON + HOUR + YOUNG)
        self.sweeps = FakeSweeps()
        self.books = FakeBooks()
        self.stripe = FakeStripe(self.clock)
        self.references = FakeReferences()
        self.telemetry = FakeTelemetry()
        self.stripe.objects["pi_1"] = an_intent("succeeded") | {
            "created": NOON + 5,
            "livemode": False,
            "latest_charge": None,
        }

    def run(self, *, seconds: float = 60) -> int:
        verify = Verify(
            books=self.books,
            gateway=FakeStripeGateway(self.stripe),
            clock=self.clock,
            stage=STAGE,
            event_types=[TYPE],
            settle_seconds=0,
        )
        mend = MendDrift(
            verify=verify,
            sweeps=self.sweeps,
            read_again=ReadAgain(references=self.references, clock=self.clock, livemode=False),
            clock=self.clock,
            telemetry=self.telemetry,
            window_seconds=HOUR - 60,
            young_seconds=YOUNG,
            look_back_seconds=HOUR + YOUNG,
            seconds_for_a_window=30,
        )
        return len(mend(time_left=lambda: seconds))


def test_what_differs_is_told_and_read_again_and_the_window_moves_on() -> None:
    here = Comparison()
    assert here.run() == 1
    (one,) = here.references.sent
    assert one.body.startswith('{"kind":"read","schema":1,"object":"pi_1"')
    assert here.telemetry.counts["Drift"] == 1
    (said,) = [ids for word, ids in here.telemetry.facts if word == "drift"]
    assert (said["object_id"], said["aggregate_id"], said["field"]) == ("pi_1", "pay_1", "row")
    assert here.sweeps.stored is not None
    assert here.sweeps.stored.window_to == NOON + HOUR - 60
    assert here.run() == 0


def test_a_window_that_could_not_be_compared_is_compared_again() -> None:
    here = Comparison()
    here.books.faults.plan("read", TryAgain("throttled"))
    with pytest.raises(TryAgain):
        here.run()
    assert here.sweeps.stored is None
    assert here.run() == 1


def test_no_window_is_begun_that_cannot_be_ended() -> None:
    here = Comparison()
    assert here.run(seconds=20) == 0
    assert here.sweeps.stored is None


def test_an_event_that_is_not_in_the_ledger_is_fetched_and_a_dead_one_is_left_alone() -> None:
    here = Comparison()
    del here.stripe.objects["pi_1"]
    for n in (1, 2):
        here.stripe.objects[f"evt_{n}"] = {
            "id": f"evt_{n}",
            "object": "event",
            "type": TYPE,
            "created": NOON + 9,
            "livemode": False,
        }
    here.books.tables.rows["evt_2"] = a_row("evt_2", Outcome.DEAD)
    assert here.run() == 2
    assert here.references.queued == ["evt_1"]


# --- endpoints ------------------------------------------------------------------------------------


def test_an_endpoint_of_ours_that_stripe_disabled_is_told() -> None:
    endpoints, telemetry = FakeWebhookEndpoints(), FakeTelemetry()
    made = [
        endpoints.create(
            url="https://shop.example.com/webhooks/stripe",
            event_types=[TYPE],
            metadata={"paidonce_stage": stage},
            idempotency_key=f"key-{n}",
            time_left=a_minute,
        )
        for n, stage in enumerate(["test", "test", "another"])
    ]
    for one in made[1:]:
        endpoints.disable(one.id, time_left=a_minute)
    watch = WatchEndpoints(endpoints=endpoints, telemetry=telemetry, stage="test")
    assert watch(time_left=a_minute) == 1
    assert telemetry.counts["EndpointsDisabled"] == 1


# --- the run --------------------------------------------------------------------------------------


def test_a_part_that_fails_keeps_no_other_from_its_turn() -> None:
    ran: list[str] = []

    def fails(_left: TimeLeft) -> None:
        raise TryAgain("Stripe is away")

    parts = {"first": fails, "second": lambda _left: ran.append("second")}
    with pytest.raises(ReconcileFailedError, match="first: TryAgain"):
        Reconcile(parts=parts, telemetry=FakeTelemetry())(time_left=a_minute)
    assert ran == ["second"]


def test_what_another_run_is_at_is_no_failure() -> None:
    def taken(_left: TimeLeft) -> None:
        raise ChangedMeanwhile("sweep#recent")

    assert Reconcile(parts={"one": taken}, telemetry=FakeTelemetry())(time_left=a_minute) == []


def test_parts_without_time_are_put_off() -> None:
    telemetry = FakeTelemetry()
    ran: list[str] = []
    parts = {"one": lambda _left: ran.append("one")}
    assert Reconcile(parts=parts, telemetry=telemetry)(time_left=lambda: 1.0) == []
    assert (ran, telemetry.counts["ReconcilePartsPutOff"]) == ([], 1)


def test_the_row_of_a_sweep_keeps_what_it_has_counted() -> None:
    sweep = Sweep(window_from=1, window_to=9, types="t", fresh_from=3).counted(seen=4, missing=2)
    again = replace(sweep.counted(seen=1, missing=0), version=3)
    assert (again.fresh_seen, again.fresh_missing) == (5, 2)
    assert again.anew(types="u").fresh_seen == 0
