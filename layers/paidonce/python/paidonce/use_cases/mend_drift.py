"""Compare our books with Stripe's hour by hour, and have read again what differs."""

from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.drift import Drift
from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.read_again import ReadAgain
from paidonce.use_cases.sweep_ports import Sweeps
from paidonce.use_cases.verify import Report, Verify


@dataclass(frozen=True, kw_only=True)
class MendDrift:
    """One window a run, of `window_seconds` at most, from where the last one ended.

    What is younger than `young_seconds` is left to the worker; a stage that begins, or that was
    away, begins `look_back_seconds` ago. `seconds_for_a_window`: with less time none is begun.
    """

    verify: Verify
    sweeps: Sweeps
    read_again: ReadAgain
    clock: Clock
    telemetry: Telemetry
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
        self.read_again(report.drifts)
        self._tell(report)
        done = Sweep(window_from=begins, window_to=ends, types="", completed_at=now)
        self.sweeps.save(done, over=last)
        return report.drifts

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
