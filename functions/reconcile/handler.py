"""The entrance of reconcile: its schedule calls it, or an operator."""

from collections.abc import Mapping
from typing import Any

from paidonce.use_cases.reconcile import ReconcileFailedError

from reconcile import wiring

# What the last note takes; the rest of Lambda's time is the run's calls'.
_LAST_SECONDS = 2.0


class ReconciliationFailed(Exception):  # noqa: N818 - errors are facts
    """A run ended early; the next one goes on. The text names parts and classes of ours."""


def handle(_event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler: the names of the parts that were done."""
    with wiring.telemetry.invocation(request_id=context.aws_request_id):
        try:
            done = wiring.reconcile(
                time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS
            )
        except ReconcileFailedError as error:
            raise ReconciliationFailed(str(error)) from None
        except Exception as error:  # noqa: BLE001 - the edge: an error that left here would be logged with its text
            wiring.telemetry.fault("reconcile failed", error)
            raise ReconciliationFailed(type(error).__name__) from None
        return {"done": done}
