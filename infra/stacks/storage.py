"""What must outlive every release: tables, secrets, the key, and whose shopper is who."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.blocks.key import stage_key
from infra.blocks.stack import HouseStack
from infra.features.secrets import StripeSecrets
from infra.features.sign_in import SignIn
from infra.features.ways_out import WaysOut
from infra.stage import Stage

_TEXT = dynamodb.AttributeType.STRING
TODO_INDEX = "todo"
OPEN_INDEX = "open"
AGGREGATE_INDEX = "aggregate"


class Storage(HouseStack):
    """State, ledger and leases; five secrets; one key; a user pool where the stage has its own."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope, "storage", stage=stage, description="Paid Once: data, secrets and their key"
        )
        self.key = stage_key(self, "Key", stage=stage)
        self.payments = self._table("Payments", "payments", partition="id")
        # Sparse: only payments that can still move, or with a call of ours that has no end yet.
        self.payments.add_global_secondary_index(
            index_name=OPEN_INDEX,
            partition_key=dynamodb.Attribute(name="open", type=_TEXT),
            sort_key=dynamodb.Attribute(name="created_at", type=_TEXT),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # The row as it was written holds all that the bus is told: nobody needs the one before.
        self.events = self._table(
            "Events", "events", partition="event_id", stream=dynamodb.StreamViewType.NEW_IMAGE
        )
        # Sparse: only rows with something left to do carry `todo`, and only they are in it.
        self.events.add_global_secondary_index(
            index_name=TODO_INDEX,
            partition_key=dynamodb.Attribute(name="todo", type=_TEXT),
            sort_key=dynamodb.Attribute(name="touched_at", type=_TEXT),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # What was decided about one payment, for an operator who asks why: a scan would take hours.
        self.events.add_global_secondary_index(
            index_name=AGGREGATE_INDEX,
            partition_key=dynamodb.Attribute(name="aggregate_id", type=_TEXT),
            sort_key=dynamodb.Attribute(name="decided_at", type=_TEXT),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # Powertools' own names of key and expiry.
        self.idempotency = self._table(
            "Idempotency", "idempotency", partition="id", expiry="expiration"
        )
        self.ways_out = WaysOut(self, "WaysOut", stage=stage, key=self.key)
        self.secrets = StripeSecrets(self, "Stripe", stage=stage, key=self.key)
        self.sign_in = SignIn(self, "SignIn", stage=stage) if stage.jwt.own_pool else None
        self._outputs()

    def _table(
        self,
        construct_id: str,
        name: str,
        *,
        partition: str,
        expiry: str = "expires_at",
        stream: dynamodb.StreamViewType | None = None,
    ) -> dynamodb.Table:
        stage = self.stage_settings
        return dynamodb.Table(
            self,
            construct_id,
            table_name=stage.named(name),
            partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=expiry,
            stream=stream,
            deletion_protection=stage.keeps_data,
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )

    def _outputs(self) -> None:
        secrets = self.secrets
        self.tell(
            {
                "PaymentsTableName": self.payments.table_name,
                "EventsTableName": self.events.table_name,
                "IdempotencyTableName": self.idempotency.table_name,
                "SigningSecretArn": secrets.signing.secret_arn,
                "PaymentsKeyArn": secrets.payments.secret_arn,
                "RefundsKeyArn": secrets.refunds.secret_arn,
                "ReaderKeyArn": secrets.reader.secret_arn,
                "EndpointsKeyArn": secrets.endpoints.secret_arn,
                "DataKeyArn": self.key.key_arn,
                "EventBusName": self.ways_out.bus.event_bus_name,
                "CustomerNoticesTopicArn": self.ways_out.customers.topic_arn,
                "BackOfficeTopicArn": self.ways_out.back_office.topic_arn,
            }
        )
        sign_in = self.sign_in
        if sign_in is None:
            return
        self.tell(
            {
                "TokenUrl": sign_in.token_url,
                "UserPoolId": sign_in.pool.user_pool_id,
                "MachineClientId": sign_in.machine.user_pool_client_id,
            }
        )
        if sign_in.shop is not None:
            self.tell({"ShopClientId": sign_in.shop.user_pool_client_id})
