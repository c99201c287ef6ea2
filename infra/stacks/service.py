"""What runs: the API, the queue, the functions; and every grant, as a sentence with exact verbs."""

from collections.abc import Callable
from pathlib import Path

from aws_cdk import Aws
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.function import HouseFunction
from infra.blocks.http_api import HttpWayIn, Issuer, Limit
from infra.blocks.key import TABLE_KEY_ACTIONS, TOPIC_KEY_ACTIONS
from infra.blocks.layers import Layers, Target
from infra.blocks.stack import HouseStack
from infra.features import payments_api, refunds_api, webhooks
from infra.features.fraud_warnings import FraudWarnings
from infra.features.key_rotation import KeyRotation
from infra.features.notices import Notices
from infra.features.operations import Operations
from infra.features.operator import Operator
from infra.features.payments_api import PaymentsApi
from infra.features.publishing import Publishing
from infra.features.reconciliation import Reconciliation
from infra.features.refunds_api import RefundsApi
from infra.features.secret_guard import SecretGuard
from infra.features.webhooks import Webhooks
from infra.stacks.storage import AGGREGATE_INDEX, OPEN_INDEX, TODO_INDEX, Storage
from infra.stage import Stage

# A TransactWriteItems is authorised as its parts are; an UpdateItem counts calls and tries.
_COMMIT = ("dynamodb:PutItem", "dynamodb:ConditionCheckItem", "dynamodb:UpdateItem")
# A secret that is changed: its versions are read and written, their labels moved.
_READ_AND_WRITE = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
_LEASE = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")


class Service(HouseStack):
    """May be deleted and made again: all that it must not lose is in storage, or at Stripe."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: Stage,
        storage: Storage,
        build_layer: Callable[[Target], Path],
    ) -> None:
        super().__init__(
            scope, "service", stage=stage, description="Paid Once: API, queue and functions"
        )
        layers = Layers(self, "Layers", runtime=stage.runtime, build=build_layer).versions
        self.operations = Operations(
            self, "Operations", stage=stage, storage=storage, layers=layers
        )
        operations = self.operations.operations
        self.webhooks = Webhooks(self, "Webhooks", stage=stage, storage=storage, layers=layers)
        self.payments = PaymentsApi(
            self, "Payments", stage=stage, storage=storage, layers=layers, operations=operations
        )
        self.refunds = RefundsApi(
            self, "Refunds", stage=stage, storage=storage, layers=layers, operations=operations
        )
        self.publishing = Publishing(
            self, "Publishing", stage=stage, storage=storage, layers=layers
        )
        self.fraud_warnings = FraudWarnings(
            self,
            "FraudWarnings",
            stage=stage,
            storage=storage,
            layers=layers,
            operations=operations,
        )
        self.notices = Notices(self, "Notices", stage=stage, storage=storage, layers=layers)
        self.way_in = HttpWayIn(self, "WayIn", stage=stage, issuer=_issuer(stage, storage))
        self._add_routes(stage)
        self.rotation = KeyRotation(
            self,
            "Rotation",
            stage=stage,
            storage=storage,
            layers=layers,
            webhook_url=self._webhook_url,
        )
        self.reconciliation = Reconciliation(
            self,
            "Reconciliation",
            stage=stage,
            storage=storage,
            layers=layers,
            queues=(self.webhooks.events, operations),
        )
        self._grants(storage)
        self.operator = self._operator(stage, storage)
        # Every principal that may touch any of the secrets.
        self.may_touch_secrets = self._guard(storage)
        self._outputs()

    def _add_routes(self, stage: Stage) -> None:
        self.way_in.add(
            webhooks.ROUTES,
            self.webhooks.receive_webhook,
            limit=Limit(
                rate_per_second=stage.http.webhook_rate_per_second, burst=stage.http.webhook_burst
            ),
        )
        self.way_in.add(payments_api.ROUTES, self.payments.payments_api)
        self.way_in.add(refunds_api.ROUTES, self.refunds.refunds_api)

    @property
    def functions(self) -> list[HouseFunction]:
        """Each function of this stage."""
        return [
            self.webhooks.receive_webhook,
            self.webhooks.apply_event,
            self.payments.payments_api,
            self.refunds.refunds_api,
            self.operations.run_operation,
            self.publishing.publish_changes,
            self.rotation.rotate_secret,
            self.notices.notify,
            self.fraud_warnings.answer_fraud_warning,
            self.rotation.retire_endpoints,
            self.reconciliation.reconcile,
        ]

    @property
    def _webhook_url(self) -> str:
        """The plain webhook route, as Stripe reaches it."""
        return f"{self.way_in.url}/webhooks/stripe"

    def _grants(self, storage: Storage) -> None:
        self._grant_receive_webhook(storage)
        self._grant_apply_event(storage)
        self._grant_payments_api(storage)
        self._grant_refunds_api(storage)
        self._grant_run_operation(storage)
        self._grant_publish_changes(storage)
        self._grant_rotate_secret(storage)
        self._grant_notify(storage)
        self._grant_answer_fraud_warning(storage)
        self._grant_retire_endpoints(storage)
        self._grant_reconcile(storage)

    def _operator(self, stage: Stage, storage: Storage) -> Operator:
        queues = (self.webhooks.events, self.operations.operations)
        rotation = self.rotation
        return Operator(
            self, "Operator", stage=stage, storage=storage, rotation=rotation, queues=queues
        )

    def _guard(self, storage: Storage) -> set[str]:
        """Nobody else in the account reads or changes a secret, whatever IAM allows them."""
        secrets, rotator = storage.secrets, self.rotation.rotate_secret
        runner, retirer = self.operations.run_operation, self.rotation.retire_endpoints
        listed: set[str] = set()
        for name, secret, functions in (
            ("Signing", secrets.signing, [self.webhooks.receive_webhook, rotator, retirer]),
            ("Payments", secrets.payments, [self.payments.payments_api, runner, rotator]),
            ("Refunds", secrets.refunds, [self.refunds.refunds_api, runner, rotator]),
            (
                "Reader",
                secrets.reader,
                [self.webhooks.apply_event, self.reconciliation.reconcile, rotator],
            ),
            ("Endpoints", secrets.endpoints, [rotator, retirer]),
        ):
            # Who only looks asks Stripe by the key that only reads.
            looks = (self.operator.read,) if secret is secrets.reader else ()
            guard = SecretGuard(
                self,
                f"{name}Guard",
                stage=self.stage_settings,
                secret=secret,
                functions=functions,
                operators=[self.operator.write, *looks],
            )
            listed.update(guard.listed)
        return listed

    def _grant_receive_webhook(self, storage: Storage) -> None:
        receiver, events = self.webhooks.receive_webhook, self.webhooks.events
        receiver.may("sqs:SendMessage", on=events.queue.queue_arn)
        receiver.may("secretsmanager:GetSecretValue", on=storage.secrets.signing.secret_arn)
        receiver.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")

    def _grant_apply_event(self, storage: Storage) -> None:
        worker, events = self.webhooks.apply_event, self.webhooks.events
        worker.may(
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
            on=events.queue.queue_arn,
        )
        worker.may("sqs:SendMessage", on=events.dead_letters.queue_arn)
        # One item is read alone: the breaker of its key.
        worker.may(
            "dynamodb:BatchGetItem", "dynamodb:GetItem", *_COMMIT, on=storage.payments.table_arn
        )
        ledger = storage.events.table_arn
        worker.may("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", on=ledger)
        # What the bus was told of a row that was lost.
        worker.may("dynamodb:Query", on=f"{ledger}/index/{AGGREGATE_INDEX}")
        worker.may(*_LEASE, on=storage.idempotency.table_arn)
        worker.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        worker.may("secretsmanager:GetSecretValue", on=storage.secrets.reader.secret_arn)
        worker.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")

    def _grant_payments_api(self, storage: Storage) -> None:
        api = self.payments.payments_api
        api.may("dynamodb:GetItem", *_COMMIT, on=storage.payments.table_arn)
        # The ledger row of an answer is written in the same transaction.
        api.may("dynamodb:PutItem", on=storage.events.table_arn)
        api.may(*_LEASE, on=storage.idempotency.table_arn)
        api.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        api.may("secretsmanager:GetSecretValue", on=storage.secrets.payments.secret_arn)
        api.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")
        # What has no outcome when the deadline is over.
        api.may("sqs:SendMessage", on=self.operations.operations.queue.queue_arn)

    def _grant_refunds_api(self, storage: Storage) -> None:
        api = self.refunds.refunds_api
        # A refund is found through its pointer; one item is read alone: the breaker of its key.
        api.may(
            "dynamodb:BatchGetItem", "dynamodb:GetItem", *_COMMIT, on=storage.payments.table_arn
        )
        # The ledger row of an answer is written in the same transaction.
        api.may("dynamodb:PutItem", on=storage.events.table_arn)
        api.may(*_LEASE, on=storage.idempotency.table_arn)
        api.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        # The only key that can refund, and no other.
        api.may("secretsmanager:GetSecretValue", on=storage.secrets.refunds.secret_arn)
        api.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")
        # What has no outcome when the deadline is over.
        api.may("sqs:SendMessage", on=self.operations.operations.queue.queue_arn)

    def _grant_run_operation(self, storage: Storage) -> None:
        runner, operations = self.operations.run_operation, self.operations.operations
        runner.may(
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
            on=operations.queue.queue_arn,
        )
        runner.may("sqs:SendMessage", on=operations.dead_letters.queue_arn)
        runner.may("dynamodb:GetItem", *_COMMIT, on=storage.payments.table_arn)
        runner.may("dynamodb:BatchGetItem", "dynamodb:PutItem", on=storage.events.table_arn)
        runner.may(*_LEASE, on=storage.idempotency.table_arn)
        runner.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        runner.may("secretsmanager:GetSecretValue", on=storage.secrets.payments.secret_arn)
        runner.may("secretsmanager:GetSecretValue", on=storage.secrets.refunds.secret_arn)
        runner.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")

    def _grant_publish_changes(self, storage: Storage) -> None:
        publisher, events = self.publishing.publish_changes, storage.events
        stream = events.table_stream_arn or ""
        publisher.may(
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            on=stream,
        )
        # Lambda lists a table's streams before it reads one; a stream's name is a date.
        stage = self.stage_settings
        streams = f"table/{stage.named('events')}/stream/*"
        publisher.may(
            "dynamodb:ListStreams", on=self.format_arn(service="dynamodb", resource=streams)
        )
        account = stage.account or "<AWS::AccountId>"
        accept(
            publisher.role,
            f"IAM5[Resource::arn:{self.partition}:dynamodb:{stage.region}:{account}:{streams}]",
            "Streams are listed by table, and this names one table.",
        )
        publisher.may("dynamodb:UpdateItem", on=events.table_arn)
        publisher.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        publisher.may("events:PutEvents", on=storage.ways_out.bus.event_bus_arn)
        publisher.may("sqs:SendMessage", on=self.publishing.given_up.queue_arn)

    def _grant_rotate_secret(self, storage: Storage) -> None:
        rotator, secrets = self.rotation.rotate_secret, storage.secrets
        rotator.may(*_READ_AND_WRITE, on=secrets.signing.secret_arn)
        # It alone reads them all, one statement each: whoever rotates must see what is there.
        for key in (secrets.payments, secrets.refunds, secrets.reader, secrets.endpoints):
            rotator.may(*_READ_AND_WRITE, on=key.secret_arn)
        rotator.may_use_key(
            "kms:Decrypt", "kms:GenerateDataKey", on=storage.key.key_arn, through="secretsmanager"
        )

    def _grant_notify(self, storage: Storage) -> None:
        notify, topics = self.notices.notify, storage.ways_out
        notify.may("sns:Publish", on=topics.customers.topic_arn)
        notify.may("sns:Publish", on=topics.back_office.topic_arn)
        notify.may_use_key(*TOPIC_KEY_ACTIONS, on=storage.key.key_arn, through="sns")
        notify.may(*_LEASE, on=storage.idempotency.table_arn)
        notify.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")

    def _grant_answer_fraud_warning(self, storage: Storage) -> None:
        answerer = self.fraud_warnings.answer_fraud_warning
        # A refund is reserved in its payment's row; another function makes it.
        answerer.may("dynamodb:GetItem", "dynamodb:PutItem", on=storage.payments.table_arn)
        answerer.may("sqs:SendMessage", on=self.operations.operations.queue.queue_arn)
        answerer.may(*_LEASE, on=storage.idempotency.table_arn)
        answerer.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        answerer.may("sns:Publish", on=storage.ways_out.back_office.topic_arn)
        answerer.may_use_key(*TOPIC_KEY_ACTIONS, on=storage.key.key_arn, through="sns")

    def _grant_retire_endpoints(self, storage: Storage) -> None:
        retirer, secrets = self.rotation.retire_endpoints, storage.secrets
        retirer.may(*_READ_AND_WRITE, on=secrets.signing.secret_arn)
        retirer.may("secretsmanager:GetSecretValue", on=secrets.endpoints.secret_arn)
        retirer.may_use_key(
            "kms:Decrypt", "kms:GenerateDataKey", on=storage.key.key_arn, through="secretsmanager"
        )
        # One item: how far the sweep is that it asked for.
        retirer.may("dynamodb:GetItem", "dynamodb:PutItem", on=storage.payments.table_arn)
        retirer.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")

    def _grant_reconcile(self, storage: Storage) -> None:
        reconcile = self.reconciliation.reconcile
        # Its sweeps, the breaker of its key, its share of Stripe's rate limit; rows to compare.
        reconcile.may(
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=storage.payments.table_arn,
        )
        reconcile.may(
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:UpdateItem",
            on=storage.events.table_arn,
        )
        # What waits, fails, or is due on the bus.
        reconcile.may("dynamodb:Query", on=f"{storage.events.table_arn}/index/{TODO_INDEX}")
        # Payments that stay open, and what is left to do about them.
        reconcile.may("dynamodb:Query", on=f"{storage.payments.table_arn}/index/{OPEN_INDEX}")
        reconcile.may("sqs:SendMessage", on=self.operations.operations.queue.queue_arn)
        reconcile.may("events:PutEvents", on=storage.ways_out.bus.event_bus_arn)
        reconcile.may_use_key(*TABLE_KEY_ACTIONS, on=storage.key.key_arn, through="dynamodb")
        reconcile.may("sqs:SendMessage", on=self.webhooks.events.queue.queue_arn)
        reconcile.may("secretsmanager:GetSecretValue", on=storage.secrets.reader.secret_arn)
        reconcile.may_use_key("kms:Decrypt", on=storage.key.key_arn, through="secretsmanager")

    def _outputs(self) -> None:
        events, way_in = self.webhooks.events, self.way_in
        self.tell(
            {
                "ApiUrl": way_in.url,
                "WebhookUrl": self._webhook_url,
                "ApiId": way_in.api.api_id,
                "EventsQueueUrl": events.queue.queue_url,
                "EventsDeadLetterQueueUrl": events.dead_letters.queue_url,
                "OperationsQueueUrl": self.operations.operations.queue.queue_url,
                "OperationsDeadLetterQueueUrl": self.operations.operations.dead_letters.queue_url,
                "ChangesDeadLetterQueueUrl": self.publishing.given_up.queue_url,
                "FraudWarningsQueueUrl": self.fraud_warnings.told.queue.queue_url,
                "FraudWarningsDeadLetterQueueUrl": (
                    self.fraud_warnings.told.dead_letters.queue_url
                ),
                "NoticesQueueUrl": self.notices.told.queue.queue_url,
                "NoticesDeadLetterQueueUrl": self.notices.told.dead_letters.queue_url,
                "ReceiveWebhookFunctionName": self.webhooks.receive_webhook.name,
                "ApplyEventFunctionName": self.webhooks.apply_event.name,
                "PaymentsApiFunctionName": self.payments.payments_api.name,
                "RefundsApiFunctionName": self.refunds.refunds_api.name,
                "RunOperationFunctionName": self.operations.run_operation.name,
                "PublishChangesFunctionName": self.publishing.publish_changes.name,
                "OperatorReadRoleArn": self.operator.read.role_arn,
                "OperatorWriteRoleArn": self.operator.write.role_arn,
                "RotateSecretFunctionName": self.rotation.rotate_secret.name,
                "NotifyFunctionName": self.notices.notify.name,
                "AnswerFraudWarningFunctionName": self.fraud_warnings.answer_fraud_warning.name,
                "RetireEndpointsFunctionName": self.rotation.retire_endpoints.name,
                "ReconcileFunctionName": self.reconciliation.reconcile.name,
            }
        )
        if way_in.domain is not None:
            # What the domain's DNS record must point at.
            self.tell({"DomainTarget": way_in.domain.regional_domain_name})


def _issuer(stage: Stage, storage: Storage) -> Issuer:
    sign_in = storage.sign_in
    if sign_in is None:
        return Issuer(url=stage.jwt.issuer, audience=stage.jwt.audience)
    return Issuer(
        url=f"https://cognito-idp.{Aws.REGION}.{Aws.URL_SUFFIX}/{sign_in.pool.user_pool_id}",
        audience=[client.user_pool_client_id for client in sign_in.clients],
    )
