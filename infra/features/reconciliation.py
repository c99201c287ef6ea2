"""What never reached us, and what the bus never heard of, is looked for on a schedule."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.queue import HouseQueue
from infra.blocks.schedule import HouseSchedule
from infra.stacks.storage import Storage
from infra.stage import Stage


class Reconciliation(Construct):
    """reconcile, and when it runs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        layers: Sequence[lambda_.ILayerVersion],
        queues: tuple[HouseQueue, HouseQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        reconcile = stage.reconcile
        events, operations = queues
        self.reconcile = HouseFunction(
            self,
            "reconcile",
            stage=stage,
            layers=layers,
            description="Look at Stripe for what never reached us, and queue it",
            size=Size(timeout_seconds=reconcile.timeout_seconds, memory_mb=reconcile.memory_mb),
            environment={
                "PAYMENTS_TABLE": storage.payments.table_name,
                "EVENTS_TABLE": storage.events.table_name,
                "EVENTS_QUEUE_URL": events.queue.queue_url,
                "LEDGER_DAYS": str(stage.retention.ledger_days),
                "READER_KEY_ARN": storage.secrets.reader.secret_arn,
                "SECRET_CACHE_SECONDS": str(stage.worker.secret_cache_seconds),
                "STRIPE_API_URL": stage.stripe.api_url,
                "STRIPE_API_VERSION": stage.stripe.api_version,
                "CALL_TIMEOUT_SECONDS": str(reconcile.call_timeout_seconds),
                "RECONCILE_BUDGET_PER_SECOND": str(stage.budgets.reconcile_per_second),
                "BREAKER_PROBE_SECONDS": str(stage.breaker.probe_seconds),
                "EVENT_BUS": storage.ways_out.bus.event_bus_name,
                "DUE_AFTER_SECONDS": str(stage.publishing.due_after_seconds),
                "PAGES_MAX": str(reconcile.pages_max),
                "STRIPE_ACCOUNT": stage.stripe.account,
                "ADOPT": str(stage.subscriptions.adopt).lower(),
                "MISSING_AFTER_SECONDS": str(reconcile.missing_after_seconds),
                "ALL_EVERY_SECONDS": str(reconcile.all_every_seconds),
                "STALE_AFTER_SECONDS": str(reconcile.stale_after_seconds),
                "STALE_ROWS_MAX": str(reconcile.stale_rows_max),
                "OPERATIONS_QUEUE_URL": operations.queue.queue_url,
                "UNPAID_MAX_SECONDS": str(reconcile.unpaid_max_seconds),
                "PROCESSING_MAX_SECONDS": str(reconcile.processing_max_seconds),
                "OPEN_PAYMENTS_MAX": str(reconcile.open_payments_max),
                "COMPARE_WINDOW_SECONDS": str(reconcile.compare_window_seconds),
                "COMPARE_BACK_SECONDS": str(reconcile.compare_back_seconds),
                "SETTLE_SECONDS": str(stage.verify.settle_seconds),
            },
        )
        HouseSchedule(self, "When", calls=self.reconcile, expression=reconcile.schedule)
