"""The refunds API: a function with a key of its own, which can do nothing but refund."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.http_api import Route, scope_prefix
from infra.blocks.queue import HouseQueue
from infra.stacks.storage import Storage
from infra.stage import Stage

ROUTES = (
    Route("POST /refunds", scope="refunds:write"),
    Route("GET /refunds/{id}", scope="refunds:read"),
)


class RefundsApi(Construct):
    """refunds_api; its times and sizes are those of payments_api."""

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
        api = stage.payments_api
        self.refunds_api = HouseFunction(
            self,
            "refunds_api",
            stage=stage,
            layers=layers,
            description="Make refunds and show them",
            size=Size(timeout_seconds=api.timeout_seconds, memory_mb=api.memory_mb),
            environment={
                "PAYMENTS_TABLE": storage.payments.table_name,
                "EVENTS_TABLE": storage.events.table_name,
                "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
                "ANSWERS_KEPT_SECONDS": str(api.answers_kept_seconds),
                "LEDGER_DAYS": str(stage.retention.ledger_days),
                "OPERATIONS_QUEUE_URL": operations.queue.queue_url,
                "KEY_FRESH_SECONDS": str(stage.operations.key_fresh_seconds),
                "REFUNDS_KEY_ARN": storage.secrets.refunds.secret_arn,
                "SECRET_CACHE_SECONDS": str(api.secret_cache_seconds),
                "STRIPE_API_URL": stage.stripe.api_url,
                "STRIPE_API_VERSION": stage.stripe.api_version,
                "USER_CLAIM": stage.jwt.user_claim,
                "SCOPE_PREFIX": scope_prefix(stage),
                "REQUEST_DEADLINE_SECONDS": str(api.request_deadline_seconds),
                "CALL_TIMEOUT_SECONDS": str(api.call_timeout_seconds),
                "API_BUDGET_PER_SECOND": str(stage.budgets.api_per_second),
                "BREAKER_PROBE_SECONDS": str(stage.breaker.probe_seconds),
            },
        )
