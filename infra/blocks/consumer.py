"""A consumer by the rules of the house: a rule on the bus, a queue of its own, a function."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.blocks.function import HouseFunction
from infra.blocks.queue import HouseQueue
from infra.stage import Stage

BATCH = 10


class HouseConsumer(Construct):
    """What `function` is told of, and where it waits until it is seen to.

    The queue keeps what comes while the function fails; what EventBridge itself cannot deliver goes
    to the same dead letters.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        bus: events.IEventBus,
        name: str,
        detail_types: Sequence[str],
        function: HouseFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        consumers = stage.consumers
        self.told = HouseQueue(
            self,
            "Told",
            stage=stage,
            name=name,
            visibility_seconds=consumers.visibility_seconds,
            tries_max=consumers.tries_max,
        )
        events.Rule(
            self,
            "Rule",
            rule_name=stage.named(name),
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=[f"paidonce.{stage.name}"], detail_type=list(detail_types)
            ),
            targets=[targets.SqsQueue(self.told.queue, dead_letter_queue=self.told.dead_letters)],
        )
        function.live.add_event_source_mapping(
            "Told",
            event_source_arn=self.told.queue.queue_arn,
            batch_size=BATCH,
            max_concurrency=consumers.concurrency_max,
            report_batch_item_failures=True,
        )
        function.may(
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            on=self.told.queue.queue_arn,
        )
