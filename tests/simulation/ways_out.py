"""What happens after a change is written: the stream, publish_changes, the bus, its consumers."""

from typing import Any

from paidonce.adapters.eventbridge import EventBridgeBus
from paidonce.use_cases.publish_changes import PublishChanges
from paidonce.use_cases.publish_due import PublishDue

from tests.simulation import entrances
from tests.simulation.hazards import Crash, Step
from tests.simulation.operations import STAGE
from tests.simulation.simulated_bus import SimulatedBus, SimulatedStream

# stages.toml, publishing (a test compares).
DUE_AFTER_SECONDS, PUBLISH_SECONDS = 300, 60


class WaysOut:
    """Over a world's ledger."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.stream = SimulatedStream(world.clock.now)
        self.bus = bus = SimulatedBus(world.clock.now, lambda: world.dice)
        world.record.heard = bus.heard
        # infra/features/operations.py
        self.bus.targets = {"payment.stray_intent": [world.operations], **world.consumers.targets}
        client = world.guarded(self.bus, "put_events")
        self.outbox = world.store.outbox(world.hazards)
        publish_changes = PublishChanges(
            bus=EventBridgeBus(client, bus_name="bus", clock=world.clock),
            outbox=self.outbox,
            telemetry=world.tally,
            stage=STAGE,
        )
        self.publish_changes = publish_changes
        self.publish_due = PublishDue(
            publish_changes=publish_changes,
            outbox=self.outbox,
            clock=world.clock,
            telemetry=world.tally,
            due_after_seconds=DUE_AFTER_SECONDS,
        )


def publish(world: Any, step: Step) -> None:
    """One invocation of the real handler of publish_changes, with what the stream shows."""
    stream = world.ways_out.stream
    batch = stream.polled(step.numbers[0])
    if not batch:
        return
    records = [
        {"dynamodb": {"SequenceNumber": change.number, "NewImage": change.row}} for change in batch
    ]
    try:
        with world.hazards.invocation(seconds=PUBLISH_SECONDS, faults=step.faults):
            answer = entrances.publish_changes({"Records": records}, world.context)
    except Crash:
        world.hazards.happened["publisher died"] += 1
        stream.finish(batch, None)
    else:
        stream.finish(batch, [f["itemIdentifier"] for f in answer["batchItemFailures"]])
