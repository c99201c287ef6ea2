"""Look through a window of Stripe's events, and queue what the ledger never heard of."""

from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import Books, Clock, Telemetry, TimeLeft
from paidonce.use_cases.references import Reference, References
from paidonce.use_cases.sweep_ports import EventList, ListedEvent, Sweeps

# https://docs.stripe.com/api/events/list: "up to 20 event names".
_TYPES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class SweepEvents:
    """Goes on where the last run ended; a run is bounded by its pages and its time."""

    sweeps: Sweeps
    events: EventList
    books: Books
    references: References
    clock: Clock
    telemetry: Telemetry
    event_types: Sequence[str]
    pages_max: int
    seconds_for_a_page: float

    def __call__(self, *, time_left: TimeLeft) -> Sweep | None:
        """The sweep as it stands after this run; None when nobody asked for one.

        Raises TryAgain (what was done is noted), ChangedMeanwhile (another run is at it).
        """
        sweep = self.sweeps.standing()
        if sweep is None or sweep.is_complete:
            return sweep
        types = fingerprint(sorted(self.event_types))
        if sweep.types != types:
            sweep = self.sweeps.save(sweep.anew(types=types), over=sweep)
        after = None
        for _ in range(self.pages_max):
            if sweep.is_complete or time_left() < self.seconds_for_a_page:
                break
            sweep, after = self._do_a_page(sweep, after, time_left)
        if sweep.is_complete:
            self.telemetry.fact(
                "sweep complete", window_from=sweep.window_from, window_to=sweep.window_to
            )
        return sweep

    def _do_a_page(
        self, sweep: Sweep, after: str | None, time_left: TimeLeft
    ) -> tuple[Sweep, str | None]:
        """What is missing goes to the queue before the progress is noted, never after."""
        groups = self._groups()
        page = self.events.page(
            types=groups[sweep.group],
            created_from=sweep.window_from,
            created_to=sweep.window_to if sweep.reached is None else sweep.reached,
            after=after,
            time_left=time_left,
        )
        missing = self._queue_missing(page.events)
        sweep = _counted(sweep, page.events, missing)
        if page.has_more and page.events:
            last = page.events[-1]
            advanced = sweep.advanced(reached=last.created)
            return self.sweeps.save(advanced, over=sweep), last.id
        done = sweep.group_done(groups=len(groups), at=int(self.clock.now()))
        return self.sweeps.save(done, over=sweep), None

    def _groups(self) -> Sequence[Sequence[str]]:
        types = sorted(self.event_types)
        return [types[i : i + _TYPES_MAX] for i in range(0, len(types), _TYPES_MAX)]

    def _queue_missing(self, listed: Sequence[ListedEvent]) -> list[ListedEvent]:
        """Those of which the ledger never heard."""
        if not listed:
            return []
        known = self.books.read(
            event_ids=[one.id for one in listed], payment_ids=(), pointer_ids=()
        ).rows
        missing = [event for event in listed if event.id not in known]
        for event in missing:
            self.references.send(
                Reference(
                    name=event.id,
                    event_type=event.type,
                    livemode=event.livemode,
                    correlation_id=event.correlation_id,
                )
            )
            self.telemetry.count("MissingEventsQueued")
            self.telemetry.fact(
                "missing event queued",
                event_id=event.id,
                event_type=event.type,
                correlation_id=event.correlation_id,
            )
        return missing


def _counted(sweep: Sweep, listed: Sequence[ListedEvent], missing: Sequence[ListedEvent]) -> Sweep:
    """A second that two pages share is counted twice, which changes no share of the whole."""
    fresh_from = sweep.fresh_from
    if fresh_from is None:
        return sweep
    seen, lost = (sum(one.created >= fresh_from for one in some) for some in (listed, missing))
    return sweep.counted(seen=seen, missing=lost)
