"""Look through a window of Stripe's events, and queue what the ledger never heard of.

What Stripe itself calls undelivered goes first: after an outage that is a page or two, and the
window can be thousands. Only the pass through everything says that a window is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.moment import iso
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import Books, Clock, Telemetry, TimeLeft
from paidonce.use_cases.references import Reference, References
from paidonce.use_cases.sweep_ports import EventList, ListedEvent, Sweeps

# https://docs.stripe.com/api/events/list: "up to 20 event names".
_TYPES_MAX = 20
# Of the undelivered, for each group of types: the rest is found by the pass through everything.
_UNDELIVERED_PAGES_MAX = 10


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
        sent = self._send_undelivered(sweep, time_left) if sweep.is_untouched else set()
        after = None
        for _ in range(self.pages_max):
            if sweep.is_complete or time_left() < self.seconds_for_a_page:
                break
            sweep, after = self._do_a_page(sweep, after, sent, time_left)
        if sweep.is_complete:
            self.telemetry.fact(
                "sweep complete", window_from=sweep.window_from, window_to=sweep.window_to
            )
        return sweep

    def _send_undelivered(self, sweep: Sweep, time_left: TimeLeft) -> set[str]:
        """The ids of what was sent. It moves nothing: cut short, the next run begins it again."""
        sent: set[str] = set()
        for types in self._groups():
            after = None
            for _ in range(_UNDELIVERED_PAGES_MAX):
                # A page of everything has to follow, or a run that is slow would never get there.
                if time_left() < 2 * self.seconds_for_a_page:
                    return sent
                page = self.events.page(
                    types=types,
                    created_from=sweep.window_from,
                    created_to=sweep.window_to,
                    after=after,
                    only_undelivered=True,
                    time_left=time_left,
                )
                known = self._known(page.events)
                missing = [event for event in page.events if event.id not in known]
                self._send(missing)
                sent.update(event.id for event in missing)
                if not page.has_more or not page.events:
                    break
                after = page.events[-1].id
        return sent

    def _do_a_page(
        self, sweep: Sweep, after: str | None, sent: set[str], time_left: TimeLeft
    ) -> tuple[Sweep, str | None]:
        """What is missing goes to the queue before the progress is noted, never after."""
        groups = self._groups()
        page = self.events.page(
            types=groups[sweep.group],
            created_from=sweep.window_from,
            created_to=sweep.window_to if sweep.reached is None else sweep.reached,
            after=after,
            only_undelivered=False,
            time_left=time_left,
        )
        known = self._known(page.events)
        self._send([event for event in page.events if event.id not in known.keys() | sent])
        sweep = _counted(sweep, page.events, known)
        if page.has_more and page.events:
            last = page.events[-1]
            advanced = sweep.advanced(reached=last.created)
            return self.sweeps.save(advanced, over=sweep), last.id
        done = sweep.group_done(groups=len(groups), at=int(self.clock.now()))
        return self.sweeps.save(done, over=sweep), None

    def _groups(self) -> Sequence[Sequence[str]]:
        types = sorted(self.event_types)
        return [types[i : i + _TYPES_MAX] for i in range(0, len(types), _TYPES_MAX)]

    def _known(self, listed: Sequence[ListedEvent]) -> Mapping[str, LedgerRow]:
        """The rows of those of which the ledger has heard."""
        if not listed:
            return {}
        return self.books.read(
            event_ids=[one.id for one in listed], payment_ids=(), pointer_ids=()
        ).rows

    def _send(self, missing: Sequence[ListedEvent]) -> None:
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


def _counted(sweep: Sweep, listed: Sequence[ListedEvent], known: Mapping[str, LedgerRow]) -> Sweep:
    """A second that two pages share is counted twice, which changes no share of the whole.

    What was sent ahead has a row as soon as it is decided, and never came by itself either.
    """
    fresh_from = sweep.fresh_from
    if fresh_from is None:
        return sweep
    fresh = [event.id for event in listed if event.created >= fresh_from]
    came = sum(name in known and _had_come(known[name], sweep) for name in fresh)
    return sweep.counted(seen=len(fresh), missing=len(fresh) - came)


def _had_come(row: LedgerRow, sweep: Sweep) -> bool:
    """Before the window was asked for, so not by what this sweep sent."""
    if sweep.asked_at is None or row.received_at is None:
        return True
    return row.received_at < iso(sweep.asked_at)
