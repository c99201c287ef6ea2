"""Stripe's events: received and queued by one function, applied by another."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.blocks.function import HouseFunction, Size
from infra.blocks.http_api import Route
from infra.blocks.queue import HouseQueue
from infra.stacks.storage import Storage
from infra.stage import Stage

_SIGNED = "Stripe carries no token; every request's signature is verified before it is read"
ROUTES = (
    Route("POST /webhooks/stripe", open_because=_SIGNED),
    Route("POST /webhooks/stripe/{endpoint}", open_because=_SIGNED),
)
# Ten events cost one read and one transaction (design 2.3).
BATCH = 10


class Webhooks(Construct):
    """receive_webhook, the queue of events with its dead letters, apply_event."""

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
        self.events = HouseQueue(
            self,
            "Events",
            stage=stage,
            name="stripe-events",
            visibility_seconds=stage.worker.visibility_seconds,
            tries_max=stage.worker.tries_max,
        )
        self.receive_webhook = HouseFunction(
            self,
            "receive_webhook",
            stage=stage,
            layers=layers,
            description="Is it Stripe? Then queue it",
            size=Size(
                timeout_seconds=stage.receiver.timeout_seconds, memory_mb=stage.receiver.memory_mb
            ),
            environment=self._receiver_environment(stage, storage),
        )
        self.apply_event = HouseFunction(
            self,
            "apply_event",
            stage=stage,
            layers=layers,
            description="Decide each event by its rule, commit a batch as one",
            size=Size(
                timeout_seconds=stage.worker.timeout_seconds, memory_mb=stage.worker.memory_mb
            ),
            environment=self._worker_environment(stage, storage),
            # An event that waits is sent again as a copy, up to 24 h long: some hundred rounds.
            feeds_itself=True,
        )
        # MaximumConcurrency and not reserved concurrency, of which a new account has only 10.
        self.apply_event.live.add_event_source_mapping(
            "Events",
            event_source_arn=self.events.queue.queue_arn,
            batch_size=BATCH,
            max_concurrency=stage.worker.concurrency_max,
            report_batch_item_failures=True,
        )

    def _receiver_environment(self, stage: Stage, storage: Storage) -> dict[str, str]:
        receiver = stage.receiver
        return {
            "EVENTS_QUEUE_URL": self.events.queue.queue_url,
            "SIGNING_SECRET_ARN": storage.secrets.signing.secret_arn,
            "SECRET_CACHE_SECONDS": str(receiver.secret_cache_seconds),
            "SECRET_REFRESH_SECONDS": str(receiver.secret_refresh_seconds),
            "SIGNATURE_AGE_MAX_SECONDS": str(receiver.signature_age_max_seconds),
            "SIGNATURE_AHEAD_MAX_SECONDS": str(receiver.signature_ahead_max_seconds),
        }

    def _worker_environment(self, stage: Stage, storage: Storage) -> dict[str, str]:
        worker = stage.worker
        return {
            "STRIPE_ACCOUNT": stage.stripe.account,
            "PAYMENTS_TABLE": storage.payments.table_name,
            "EVENTS_TABLE": storage.events.table_name,
            "IDEMPOTENCY_TABLE": storage.idempotency.table_name,
            "EVENTS_QUEUE_URL": self.events.queue.queue_url,
            "EVENTS_DEAD_LETTER_QUEUE_URL": self.events.dead_letters.queue_url,
            "READER_KEY_ARN": storage.secrets.reader.secret_arn,
            "SECRET_CACHE_SECONDS": str(worker.secret_cache_seconds),
            "STRIPE_API_URL": stage.stripe.api_url,
            "STRIPE_API_VERSION": stage.stripe.api_version,
            "WAIT_DELAYS_SECONDS": ",".join(map(str, worker.wait_delays_seconds)),
            "NOT_YET_KNOWN_MAX_SECONDS": str(worker.not_yet_known_max_seconds),
            "TRY_AGAIN_MAX_SECONDS": str(worker.try_again_max_seconds),
            "FAILING_DELAYS_SECONDS": ",".join(map(str, worker.failing_delays_seconds)),
            "TRIES_MAX": str(worker.tries_max),
            "LEASE_SECONDS": str(worker.visibility_seconds),
            "LEDGER_DAYS": str(stage.retention.ledger_days),
            "FOREIGN_POINTER_DAYS": str(stage.retention.foreign_pointer_days),
            "FETCH_TIMEOUT_SECONDS": str(worker.fetch_timeout_seconds),
            "WORKER_BUDGET_PER_SECOND": str(stage.budgets.worker_per_second),
            "BREAKER_PROBE_SECONDS": str(stage.breaker.probe_seconds),
            "SUBSCRIPTION_POLICY": stage.subscriptions.policy,
            "ADOPT": "true" if stage.subscriptions.adopt else "false",
        }
