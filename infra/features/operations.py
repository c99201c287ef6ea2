"""Calls to Stripe of unknown outcome: queued by whoever made them, ended by one function."""

from collections.abc import Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.queue import HouseQueue
from infra.stacks.storage import Storage
from infra.stage import Stage


class Operations(Construct):
    """The queue of operations with its dead letters, and run_operation."""

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
        worker = stage.worker
        self.operations = HouseQueue(
            self,
            "Operations",
            stage=stage,
            name="stripe-operations",
            visibility_seconds=worker.visibility_seconds,
            tries_max=worker.tries_max,
        )
        self.run_operation = HouseFunction(
            self,
            "run_operation",
            stage=stage,
            layers=layers,
            description="Bring calls to Stripe of unknown outcome to their end",
            size=Size(timeout_seconds=worker.timeout_seconds, memory_mb=worker.memory_mb),
            environment=self._environment(stage, storage),
            # An operation that waits is sent again as a copy, as an event is.
            feeds_itself=True,
        )
        # A second intent of a payment, which nobody may pay. The domain event itself is the
        # operation (domain/operation.py): what the ledger told, and no more, is carried out.
        events.Rule(
            self,
            "StrayIntents",
            rule_name=stage.named("stripe-operations"),
            event_bus=storage.ways_out.bus,
            event_pattern=events.EventPattern(
                source=[f"paidonce.{stage.name}"], detail_type=["payment.stray_intent"]
            ),
            targets=[
                targets.SqsQueue(
                    self.operations.queue, dead_letter_queue=self.operations.dead_letters
                )
            ],
        )
        self.run_operation.live.add_event_source_mapping(
            "Operations",
            event_source_arn=self.operations.queue.queue_arn,
            # Each one calls Stripe, and may take all the time that the function has.
            batch_size=1,
            max_concurrency=worker.concurrency_max,
            report_batch_item_failures=True,
        )

    def _environment(self, stage: Stage, storage: Storage) -> dict[str, str]:
        worker, operations = stage.worker, stage.operations
        return {
            "PAYMENTS_TABLE": storage.payments.table_name,
            "EVENTS_TABLE": storage.events.table_name,
            "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
            "OPERATIONS_QUEUE_URL": self.operations.queue.queue_url,
            "OPERATIONS_DEAD_LETTER_QUEUE_URL": self.operations.dead_letters.queue_url,
            "PAYMENTS_KEY_ARN": storage.secrets.payments.secret_arn,
            "REFUNDS_KEY_ARN": storage.secrets.refunds.secret_arn,
            "SECRET_CACHE_SECONDS": str(worker.secret_cache_seconds),
            "STRIPE_API_URL": stage.stripe.api_url,
            "STRIPE_API_VERSION": stage.stripe.api_version,
            "CALL_TIMEOUT_SECONDS": str(worker.fetch_timeout_seconds),
            "API_BUDGET_PER_SECOND": str(stage.budgets.api_per_second),
            "BREAKER_PROBE_SECONDS": str(stage.breaker.probe_seconds),
            "SUBSCRIPTION_POLICY": stage.subscriptions.policy,
            "WAIT_DELAYS_SECONDS": ",".join(map(str, worker.wait_delays_seconds)),
            "FAILING_DELAYS_SECONDS": ",".join(map(str, worker.failing_delays_seconds)),
            "TRIES_MAX": str(worker.tries_max),
            "LEASE_SECONDS": str(worker.visibility_seconds),
            "LEDGER_DAYS": str(stage.retention.ledger_days),
            "KEY_FRESH_SECONDS": str(operations.key_fresh_seconds),
            "LOOK_BACK_SECONDS": str(operations.look_back_seconds),
            "ABSENT_AFTER_SECONDS": str(operations.absent_after_seconds),
            "GIVE_UP_AFTER_SECONDS": str(operations.give_up_after_seconds),
        }
