"""Compare our books with Stripe's hour by hour, and have read again what differs.

Nothing here writes a row: a reading goes through the same queue and the same rules as an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.drift import Drift
from paidonce.domain.reading import Reading
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.references import Reference, References
from paidonce.use_cases.sweep_ports import Sweeps
from paidonce.use_cases.verify import Report, Verify

_EVENT = "ledger"


@dataclass(frozen=True, kw_only=True)
class MendDrift:
    """One window a run, of `window_seconds` at most, from where the last one ended.

    What is younger than `young_seconds` is left to the worker; a stage that begins, or that was
    away, begins `look_back_seconds` ago. `seconds_for_a_window`: with less time none is begun.
    """

    verify: Verify
    sweeps: Sweeps
    references: References
    clock: Clock
    telemetry: Telemetry
    livemode: bool
    window_seconds: int
    young_seconds: int
    look_back_seconds: int
    seconds_for_a_window: float

    def __call__(self, *, time_left: TimeLeft) -> Sequence[Drift]:
        """What differed. Raises TryAgain, ChangedMeanwhile: the window is compared again then."""
        now = int(self.clock.now())
        last = self.sweeps.standing()
        begins = max(last.window_to + 1 if last else 0, now - self.look_back_seconds)
        ends = min(begins + self.window_seconds, now - self.young_seconds)
        if ends - begins < self.window_seconds or time_left() < self.seconds_for_a_window:
            return ()
        report = self.verify(since=begins, until=ends, time_left=time_left)
        self._ask_for(report.drifts)
        self._tell(report)
        done = Sweep(window_from=begins, window_to=ends, types="", completed_at=now)
        self.sweeps.save(done, over=last)
        return report.drifts

    def mended(self, report: Report) -> None:
        """Have all that a report names read again: for an operator who does not want to wait."""
        self._ask_for(report.drifts)

    def _ask_for(self, drifts: Sequence[Drift]) -> None:
        """What is asked for twice is done once: one reading an object and second."""
        as_of = int(self.clock.now())
        for one in {(d.object_id, d.field == _EVENT): d for d in drifts}.values():
            if one.field == _EVENT:
                # Its row waits, fails or is dead: that is seen to elsewhere, or by a person.
                if one.ours is None:
                    self._send(one.object_id, one.stripes or "unknown")
                continue
            self._send(Reading(object_id=one.object_id, as_of=as_of).name, "reading")

    def _send(self, name: str, event_type: str) -> None:
        self.references.send(
            Reference(
                name=name,
                event_type=event_type,
                livemode=self.livemode,
                correlation_id=f"drift-{name}",
            )
        )

    def _tell(self, report: Report) -> None:
        for one in report.drifts:
            self.telemetry.fact(
                "drift",
                object_id=one.object_id,
                aggregate_id=one.aggregate_id,
                field=one.field,
                ours=one.ours,
                stripes=one.stripes,
            )
        self.telemetry.count("Compared", sum(report.looked_at.values()))
        if report.drifts:
            self.telemetry.count("Drift", len(report.drifts))
