"""The payments API: one function behind its routes."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.http_api import Route, scope_prefix
from infra.blocks.queue import HouseQueue
from infra.stacks.storage import Storage
from infra.stage import Stage

ROUTES = (
    Route("POST /payments", scope="payments:write"),
    Route("GET /payments", scope="payments:read"),
    Route("GET /payments/{id}", scope="payments:read"),
    Route("GET /payments/{id}/client-secret", scope="payments:write"),
    Route("POST /payments/{id}/capture", scope="payments:write"),
    Route("POST /payments/{id}/cancel", scope="payments:write"),
    Route("POST /customers", scope="customers:write"),
    Route("GET /customers/{id}", scope="customers:read"),
    Route("POST /portal-sessions", scope="customers:write"),
    Route("POST /checkout-sessions", scope="payments:write"),
    Route("POST /subscriptions", scope="subscriptions:write"),
    Route("GET /subscriptions/{id}", scope="subscriptions:read"),
    Route("POST /subscriptions/{id}", scope="subscriptions:write"),
    Route("DELETE /subscriptions/{id}", scope="subscriptions:write"),
    Route("GET /prices", scope="payments:read"),
    Route("GET /config", open_because="what it shows is public, the publishable key"),
    Route("GET /openapi.json", open_because="a description of the API, no data"),
)


class PaymentsApi(Construct):
    """payments_api."""

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
        self.payments_api = HouseFunction(
            self,
            "payments_api",
            stage=stage,
            layers=layers,
            description="Take payments and show them",
            size=Size(timeout_seconds=api.timeout_seconds, memory_mb=api.memory_mb),
            environment={
                "PAYMENTS_TABLE": storage.payments.table_name,
                "EVENTS_TABLE": storage.events.table_name,
                "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
                "ANSWERS_KEPT_SECONDS": str(api.answers_kept_seconds),
                "LEDGER_DAYS": str(stage.retention.ledger_days),
                "PAYMENTS_KEY_ARN": storage.secrets.payments.secret_arn,
                "SECRET_CACHE_SECONDS": str(api.secret_cache_seconds),
                "STRIPE_API_URL": stage.stripe.api_url,
                "STRIPE_API_VERSION": stage.stripe.api_version,
                "PUBLISHABLE_KEY": stage.stripe.publishable_key,
                "USER_CLAIM": stage.jwt.user_claim,
                "SCOPE_PREFIX": scope_prefix(stage),
                "REQUEST_DEADLINE_SECONDS": str(api.request_deadline_seconds),
                "CALL_TIMEOUT_SECONDS": str(api.call_timeout_seconds),
                "API_BUDGET_PER_SECOND": str(stage.budgets.api_per_second),
                "SHOPPER_PAYMENTS_PER_MINUTE": str(api.shopper_payments_per_minute),
                "OPERATIONS_QUEUE_URL": operations.queue.queue_url,
                "KEY_FRESH_SECONDS": str(stage.operations.key_fresh_seconds),
                "BREAKER_PROBE_SECONDS": str(stage.breaker.probe_seconds),
                "SUBSCRIPTION_POLICY": stage.subscriptions.policy,
                "CATALOGUE_MEMORY_SECONDS": str(stage.catalogue.memory_seconds),
                "CATALOGUE_SHARED_SECONDS": str(stage.catalogue.shared_seconds),
                "CATALOGUE_UNKNOWN_SECONDS": str(stage.catalogue.unknown_seconds),
                "CATALOGUE_CLAIM_SECONDS": str(stage.catalogue.claim_seconds),
            },
        )
