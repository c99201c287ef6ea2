"""The real handlers of the receiver and the worker, with the simulation where their wiring is."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from paidonce.adapters.http import answer, respond
from paidonce.adapters.items import read_ledger_row
from paidonce.domain.ledger import LedgerRow

Handle = Callable[[Any, Any], dict[str, Any]]


def entrance(folder: str, wiring: ModuleType) -> Handle:
    """A second copy of a function's handler; the first one, and its wiring, stay as they are."""
    package = importlib.import_module(folder)
    name = f"{folder}.wiring"
    before = sys.modules.get(name), getattr(package, "wiring", None)
    sys.modules[name] = wiring
    # What `from package import wiring` reads.
    package.__dict__["wiring"] = wiring
    try:
        path = Path(str(package.__file__)).with_name("handler.py")
        spec = importlib.util.spec_from_file_location(f"simulated_{folder}", path)
        if spec is None or spec.loader is None:
            raise ImportError(folder)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        _restore(package, name, *before)
    handle: Handle = module.handle
    return handle


def _restore(package: ModuleType, name: str, module: ModuleType | None, attribute: object) -> None:
    if module is None:
        del sys.modules[name]
    else:
        sys.modules[name] = module
    if attribute is None:
        del package.__dict__["wiring"]
    else:
        package.__dict__["wiring"] = attribute


class Context:
    """What Lambda gives an invocation; it carries the world to the wiring."""

    aws_request_id = "simulated"

    def __init__(self, world: Any) -> None:
        self.world = world
        # The consumer that is invoked.
        self.consume: Any = None

    def get_remaining_time_in_millis(self) -> int:
        """Until the deadline of the innermost invocation."""
        return int(1000 * (self.world.hazards.deadline - self.world.clock.now()))


_worker_wiring: Any = ModuleType("apply_event.wiring")
_worker_wiring.invocation = lambda context: nullcontext(context.world.apply_event)
apply_event: Handle = entrance("apply_event", _worker_wiring)

_runner_wiring: Any = ModuleType("run_operation.wiring")
_runner_wiring.invocation = lambda context: nullcontext(context.world.run_operation)
run_operation: Handle = entrance("run_operation", _runner_wiring)

_publisher_wiring: Any = ModuleType("publish_changes.wiring")
_publisher_wiring.invocation = lambda context: nullcontext(context.world.ways_out.publish_changes)
# A store gives the stream rows, or items to be read as the real wiring reads them.
_publisher_wiring.row_of = lambda image: (
    image if isinstance(image, LedgerRow) else read_ledger_row(image)
)
publish_changes: Handle = entrance("publish_changes", _publisher_wiring)

_consumer_wiring: Any = ModuleType("wiring of a consumer")
_consumer_wiring.invocation = lambda context: nullcontext(context.consume)
notify: Handle = entrance("notify", _consumer_wiring)
answer_fraud_warning: Handle = entrance("answer_fraud_warning", _consumer_wiring)

# The same: one world at a time.
reconciler_wiring: Any = ModuleType("reconcile.wiring")
reconcile: Handle = entrance("reconcile", reconciler_wiring)
# What it raises where a run ended early.
ReconciliationFailed: type[Exception] = reconcile.__globals__["ReconciliationFailed"]

# One world at a time: it puts its own use case and telemetry here.
receiver_wiring: Any = ModuleType("receive_webhook.wiring")
receiver_wiring.answer = answer
receiver_wiring.respond = respond
receive_webhook: Handle = entrance("receive_webhook", receiver_wiring)
