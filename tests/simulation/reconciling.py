"""What repairs losses: reconcile with its parts, and an operator."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from paidonce.adapters.sqs_references import SqsReferences
from paidonce.domain import rulebook
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.keep_sweeping import KeepSweeping, Kind
from paidonce.use_cases.ports import Letter, TimeLeft
from paidonce.use_cases.reconcile import Reconcile
from paidonce.use_cases.resend_stale import ResendStale
from paidonce.use_cases.sweep_events import SweepEvents
from paidonce.use_cases.sweep_ports import EventPage, ListedEvent

from tests.fakes_rotation import FakeSweeps
from tests.simulation import entrances
from tests.simulation.hazards import Crash, Step
from tests.simulation.model_stripe import Happening, chosen
from tests.simulation.simulated_sqs import EVENTS

# stages.toml, reconcile (a test compares); a page is shorter than Stripe's, so that there are more.
TIMEOUT_SECONDS, PAGES_MAX, PAGE = 120, 500, 7
STALE_AFTER_SECONDS, STALE_ROWS_MAX = 3_600, 500
MISSING_AFTER_SECONDS, ALL_EVERY_SECONDS = 900, 604_800
# What only a person can end: no operator sends it again before it is mended.
NOT_SENT_AGAIN = ("orphan", "poison")


class ModelEventList:
    """`EventList` over the model Stripe."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def page(
        self,
        *,
        types: Sequence[str],
        created_from: int,
        created_to: int,
        after: str | None,
        only_undelivered: bool,
        time_left: TimeLeft,
    ) -> EventPage:
        """See `EventList.page`."""
        assert len(types) <= 20
        assert time_left() > 0
        wanted = frozenset(types)
        # Every other one: nothing may rest on the list of the undelivered being whole.
        owed = {webhook.event.id for webhook in self._world.stripe.webhooks[::2]}
        found = [
            event
            for event in reversed(self._world.stripe.listed())
            if event.type in wanted
            and created_from <= event.created <= created_to
            and (not only_undelivered or event.id in owed)
        ]
        ids = [event.id for event in found]
        rest = found[ids.index(after) + 1 :] if after in ids else found
        shown = [
            ListedEvent(
                id=e.id, type=e.type, created=e.created, livemode=e.livemode, correlation_id=e.id
            )
            for e in rest[:PAGE]
        ]
        return EventPage(events=shown, has_more=len(rest) > PAGE)


class WatchedSweeps(FakeSweeps):
    """The note of how far it is: a sweep that calls itself complete must have left nothing out."""

    def __init__(self, world: Any) -> None:
        super().__init__()
        self._world = world

    def save(self, sweep: Sweep, *, over: Sweep | None) -> Sweep:
        """See `Sweeps.save`."""
        saved = super().save(sweep, over=over)
        if saved.is_complete:
            self._check(saved)
        return saved

    def _check(self, sweep: Sweep) -> None:
        world = self._world
        held = {m.event_id for m in [*world.sqs.messages.values(), *world.sqs.dead]}
        known = {*world.record.decided, *held, *world.sqs.expired}
        lacking = [
            event.id
            for event in world.stripe.listed()
            if sweep.window_from <= event.created <= sweep.window_to
            and event.type in rulebook.event_types()
            and event.id not in known
        ]
        if lacking:
            world.wrong.append(f"sweep: complete, and {lacking} are nowhere")


class WorldSearch:
    """`LedgerSearch` over the ledger of a world."""

    def __init__(self, world: Any) -> None:
        self._world = world

    def about(self, aggregate_id: str) -> Sequence[LedgerRow]:
        """See `LedgerSearch.about`."""
        rows = self._world.store.rows().values()
        return [row for row in rows if row.aggregate_id == aggregate_id]

    def left(self, outcome: Outcome, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `LedgerSearch.left`."""
        rows = self._world.store.rows().values()
        found = [row for row in rows if row.outcome is outcome and row.decided_at < before]
        if found:
            yield found


class Reconciling:
    """reconcile, over a world: the parts that need no other list than that of the events."""

    def __init__(self, world: Any, *, books: Any, sqs: Any) -> None:
        references = SqsReferences(sqs, queue_url=EVENTS, clock=world.clock)
        search: Any = WorldSearch(world)
        resend_stale = ResendStale(
            search=search,
            references=references,
            clock=world.clock,
            telemetry=world.tally,
            stale_after_seconds=STALE_AFTER_SECONDS,
            rows_max=STALE_ROWS_MAX,
        )

        def keep_sweeping(kind: Kind, every_seconds: int) -> KeepSweeping:
            sweeps = world.guarded(WatchedSweeps(world), "standing", "save")
            sweep_events = SweepEvents(
                sweeps=sweeps,
                events=world.guarded(ModelEventList(world), "page"),
                books=books,
                references=references,
                clock=world.clock,
                telemetry=world.tally,
                event_types=rulebook.event_types(),
                pages_max=PAGES_MAX,
                seconds_for_a_page=16,
            )
            return KeepSweeping(
                kind=kind,
                sweep=sweep_events,
                sweeps=sweeps,
                clock=world.clock,
                telemetry=world.tally,
                missing_after_seconds=MISSING_AFTER_SECONDS,
                every_seconds=every_seconds,
            )

        recent = keep_sweeping(Kind.RECENT, MISSING_AFTER_SECONDS)
        whole = keep_sweeping(Kind.ALL, ALL_EVERY_SECONDS)
        self.reconcile = Reconcile(
            parts={
                "recent events": lambda left: recent(time_left=left),
                "domain events": lambda left: world.ways_out.publish_due(time_left=left),
                "stale rows": lambda left: resend_stale(time_left=left),
                "all events": lambda left: whole(time_left=left),
            },
            telemetry=world.tally,
        )


def reconcile(world: Any, step: Step) -> None:
    """One invocation of the real handler of reconcile; an odd number: some minutes later."""
    if step.numbers[0] % 2:
        world.clock.pause(MISSING_AFTER_SECONDS + 1)
    try:
        with world.hazards.invocation(seconds=TIMEOUT_SECONDS, faults=step.faults):
            entrances.reconcile({}, world.context)
    except Crash:
        world.hazards.happened["reconciler died"] += 1
    except entrances.ReconciliationFailed:
        world.hazards.happened["invocation failed"] += 1


def replay(world: Any, step: Step) -> None:
    """An operator sends an event again, every other time to be decided anew in any case."""
    listed = world.stripe.listed()
    if listed:
        world.hazards.happened["replay"] += 1
        forced = step.numbers[-1] % 2 == 1
        send_again(world, chosen(listed, step.numbers[0]), step.numbers[-1], forced=forced)


def send_again(world: Any, event: Happening, number: int, *, forced: bool) -> None:
    """As the operator's command line does it."""
    world.replayed.add(event.id)
    world.letterbox.put(
        Letter(
            body=json.dumps({"kind": "event", "schema": 1, "id": event.id}),
            attributes={
                "event_id": event.id,
                "correlation_id": "replay",
                "replay_id": f"replay-{number}",
                **({"replay_force": "true"} if forced else {}),
            },
        )
    )


def repair(world: Any, number: int) -> int:
    """Sweep up what never came, and send again what was given up; answers how many were sent."""
    before = world.tally.counts["MissingEventsQueued"]
    # The first run ends a window that stands; the next one begins where that ended.
    for _ in range(2):
        reconcile(world, Step("reconcile", (1, number)))
    given_up = [
        event
        for event in world.stripe.listed()
        if (outcome := world.record.decided.get(event.id)) is not None
        and not outcome.is_final
        and event.role not in NOT_SENT_AGAIN
    ]
    for event in given_up:
        send_again(world, event, number, forced=False)
    swept: int = world.tally.counts["MissingEventsQueued"] - before
    return len(given_up) + swept
