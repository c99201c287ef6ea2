"""What an early fraud warning leads to: a small refund by itself, else a person who decides."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.consumer import HouseConsumer
from infra.blocks.function import HouseFunction, Size
from infra.blocks.queue import HouseQueue
from infra.stacks.storage import Storage
from infra.stage import Stage


class FraudWarnings(Construct):
    """answer_fraud_warning behind a rule on the bus."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        layers: Sequence[lambda_.ILayerVersion],
        operations: HouseQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        consumers, ways_out = stage.consumers, storage.ways_out
        remembered = Duration.days(consumers.remembered_days)
        self.answer_fraud_warning = HouseFunction(
            self,
            "answer_fraud_warning",
            stage=stage,
            layers=layers,
            description="Refund warned payments that are small, tell people of the others",
            size=Size(timeout_seconds=consumers.timeout_seconds, memory_mb=consumers.memory_mb),
            environment={
                "PAYMENTS_TABLE": storage.payments.table_name,
                "EVENTS_TABLE": storage.events.table_name,
                "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
                "LEDGER_DAYS": str(stage.retention.ledger_days),
                "OPERATIONS_QUEUE_URL": operations.queue.queue_url,
                "BACK_OFFICE_TOPIC_ARN": ways_out.back_office.topic_arn,
                "REMEMBERED_SECONDS": str(int(remembered.to_seconds())),
                "FRAUD_REFUND_UP_TO_MINOR": str(stage.fraud_warnings.refund_up_to_minor),
            },
        )
        self.told = HouseConsumer(
            self,
            "Told",
            stage=stage,
            bus=ways_out.bus,
            name="fraud-warnings",
            detail_types=["fraud.warned"],
            function=self.answer_fraud_warning,
        ).told
