"""The entrance of reconcile: its schedule calls it, or an operator."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from paidonce.use_cases.ports import TimeLeft

from reconcile import wiring

# What the last note takes; the rest of Lambda's time is the run's calls'.
_LAST_SECONDS = 2.0
Seen = TypeVar("Seen")


class ReconciliationFailed(Exception):  # noqa: N818 - errors are facts
    """A run ended early; the next one goes on. The text names classes of ours, never a value."""


def handle(_event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler: whether the sweep that was asked for last is complete (None: no sweep).

    Before it, what the bus should have heard of is published; neither holds up the other.
    """
    with wiring.telemetry.invocation(request_id=context.aws_request_id):

        def time_left() -> float:
            return float(context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS)

        half = time_left() / 2
        failed: list[str] = []
        _step(failed, "due changes not published", wiring.publish_due, lambda: time_left() - half)
        sweep = _step(failed, "sweep ended early", wiring.sweep_events, time_left)
        if failed:
            raise ReconciliationFailed(", ".join(failed))
        return {"sweep_complete": None if sweep is None else sweep.is_complete}


def _step(
    failed: list[str], message: str, work: Callable[..., Seen], time_left: TimeLeft
) -> Seen | None:
    """One of the run's works; what fails is told, and noted by its class."""
    try:
        return work(time_left=time_left)
    except Exception as error:  # noqa: BLE001 - the edge: an error that left here would be logged with its text
        wiring.telemetry.fault(message, error)
        failed.append(type(error).__name__)
        return None
