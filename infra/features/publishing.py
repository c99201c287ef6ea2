"""Changes of the ledger, told on the bus."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.function import HouseFunction, Size
from infra.blocks.queue import dead_letter_queue
from infra.stacks.storage import Storage
from infra.stage import Stage

# Rows of one invocation: a few calls of the bus, an update each, well inside the timeout.
BATCH = 25
# What fails for so long does not pass by itself: the row keeps its marker, and is reconcile's.
RETRIES_MAX = 10
# Only rows with something to tell: what takes the marker off is a change as well.
_TO_TELL = {
    "eventName": lambda_.FilterRule.or_("INSERT", "MODIFY"),
    "dynamodb": {"NewImage": {"todo": {"S": lambda_.FilterRule.begins_with("publish#")}}},
}


class Publishing(Construct):
    """publish_changes on the ledger's stream, and the queue of positions that it gave up."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        layers: Sequence[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, construct_id)
        publishing = stage.publishing
        self.given_up = dead_letter_queue(self, "GivenUp", stage=stage, name="changes-dead")
        accept(
            self.given_up,
            "SQS3",
            "The stream's failure destination: it is itself where what was given up ends.",
        )
        self.publish_changes = HouseFunction(
            self,
            "publish_changes",
            stage=stage,
            layers=layers,
            description="Put the domain events of new ledger rows on the bus",
            size=Size(timeout_seconds=publishing.timeout_seconds, memory_mb=publishing.memory_mb),
            environment={
                "EVENT_BUS": storage.ways_out.bus.event_bus_name,
                "EVENTS_TABLE": storage.events.table_name,
                "LEDGER_DAYS": str(stage.retention.ledger_days),
            },
        )
        mapping = self.publish_changes.live.add_event_source_mapping(
            "Ledger",
            event_source_arn=storage.events.table_stream_arn,
            # A mapping that is made anew begins with what the stream still has.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH,
            filters=[lambda_.FilterCriteria.filter(_TO_TELL)],
            bisect_batch_on_error=True,
            retry_attempts=RETRIES_MAX,
            max_record_age=Duration.seconds(publishing.stream_age_max_seconds),
            report_batch_item_failures=True,
        )
        # By its own property: CDK's destination would grant more than SendMessage.
        own = mapping.node.default_child
        if not isinstance(own, lambda_.CfnEventSourceMapping):
            raise TypeError("an event source mapping is not what it was")
        own.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                destination=self.given_up.queue_arn
            )
        )
