"""Customers and the back office hear of what concerns them: the consumer to copy."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.consumer import HouseConsumer
from infra.blocks.function import HouseFunction, Size
from infra.stacks.storage import Storage
from infra.stage import Stage

# What a notice is made of (layers/paidonce/python/paidonce/domain/notice.py; a test compares).
TOLD_TYPES = (
    "dispute.lost",
    "dispute.opened",
    "dispute.won",
    "payment.paid",
    "refund.failed",
    "subscription.past_due",
)


class Notices(Construct):
    """notify behind a rule on the bus."""

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
        consumers, topics = stage.consumers, storage.ways_out
        self.notify = HouseFunction(
            self,
            "notify",
            stage=stage,
            layers=layers,
            description="Tell customers and the back office what happened",
            size=Size(timeout_seconds=consumers.timeout_seconds, memory_mb=consumers.memory_mb),
            environment={
                "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
                "REMEMBERED_SECONDS": str(
                    int(Duration.days(consumers.remembered_days).to_seconds())
                ),
                "CUSTOMER_TOPIC_ARN": topics.customers.topic_arn,
                "BACK_OFFICE_TOPIC_ARN": topics.back_office.topic_arn,
            },
        )
        self.told = HouseConsumer(
            self,
            "Told",
            stage=stage,
            bus=topics.bus,
            name="notices",
            detail_types=TOLD_TYPES,
            function=self.notify,
        ).told
