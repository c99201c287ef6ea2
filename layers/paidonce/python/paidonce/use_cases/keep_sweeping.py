"""Keep looking through Stripe's events: the last hours again and again, all of them once a week."""

from dataclasses import dataclass
from enum import Enum

from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.sweep_events import SweepEvents
from paidonce.use_cases.sweep_ports import Sweeps

# Stripe lists events of the last 30 days: https://docs.stripe.com/api/events
LISTED_SECONDS = 30 * 86_400
# An event can be listed a little after it was made; a window begins so long before the last ended.
OVERLAP_SECONDS = 3_600


class Kind(Enum):
    """What the next window is."""

    RECENT = "recent"  # from where the last one ended
    ALL = "all"  # all that Stripe still lists


@dataclass(frozen=True, kw_only=True)
class KeepSweeping:
    """Asks for the next window once the last is complete, and goes on with the one that stands.

    What is younger than `missing_after_seconds` may still be on its way. `every_seconds`: how long
    after the end of a window the next one is asked for. The end of the last complete window is how
    far everything was looked at: a time, and never an event's id.
    """

    kind: Kind
    sweep: SweepEvents
    sweeps: Sweeps
    clock: Clock
    telemetry: Telemetry
    missing_after_seconds: int
    every_seconds: int

    def __call__(self, *, time_left: TimeLeft) -> Sweep:
        """The sweep as it stands after this run. Raises TryAgain, ChangedMeanwhile."""
        standing = self.sweeps.standing()
        if standing is None or (standing.is_complete and self._is_due(standing)):
            standing = self.sweeps.save(self._next(standing), over=standing)
        found = self.sweep(time_left=time_left)
        if found is None:
            raise ChangedMeanwhile("the sweep that was just asked for is gone")
        self._tell(standing, found)
        return found

    def _is_due(self, standing: Sweep) -> bool:
        return self._end() - standing.window_to >= self.every_seconds

    def _end(self) -> int:
        return int(self.clock.now()) - self.missing_after_seconds

    def _next(self, last: Sweep | None) -> Sweep:
        oldest = int(self.clock.now()) - LISTED_SECONDS
        if last is None or self.kind is Kind.ALL:
            return Sweep(window_from=oldest, window_to=self._end(), types="")
        # What lies behind Stripe's 30 days is lost to the list: the alarm rang long before.
        window_from = max(last.window_to - OVERLAP_SECONDS, oldest)
        return Sweep(
            window_from=window_from,
            window_to=self._end(),
            types="",
            fresh_from=last.window_to + 1,
            asked_at=int(self.clock.now()),
        )

    def _tell(self, before: Sweep, after: Sweep) -> None:
        """How far behind we are, and whether nothing at all reached us of a whole window."""
        if self.kind is not Kind.RECENT:
            return
        reached = after.window_to if after.is_complete else after.window_from
        behind = max(0, self._end() - reached)
        self.telemetry.count("UnreconciledSeconds", behind)
        is_done_now = after.is_complete and not before.is_complete
        if is_done_now and after.fresh_seen and after.fresh_missing == after.fresh_seen:
            self.telemetry.alarm("Silence")
