"""The entrance of reconcile: its schedule calls it, or an operator."""

from collections.abc import Mapping
from typing import Any

from reconcile import wiring

# What the last note takes; the rest of Lambda's time is the run's calls'.
_LAST_SECONDS = 2.0


class ReconciliationFailed(Exception):  # noqa: N818 - errors are facts
    """A run ended early; the next one goes on. The text names a class of ours, never a value."""


def handle(_event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler: whether the sweep that was asked for last is complete (None: no sweep)."""
    with wiring.telemetry.invocation(request_id=context.aws_request_id):
        try:
            sweep = wiring.sweep_events(
                time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
            )
        except Exception as error:  # noqa: BLE001 - the edge: an error that left here would be logged with its text
            wiring.telemetry.fault("sweep ended early", error)
            raise ReconciliationFailed(type(error).__name__) from None
        return {"sweep_complete": None if sweep is None else sweep.is_complete}
