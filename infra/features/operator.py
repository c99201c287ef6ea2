"""Whoever operates a stage with the command line: a role that may do what `paidonce` does."""

from collections.abc import Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.blocks.checks import accept
from infra.blocks.key import TABLE_KEY_ACTIONS
from infra.blocks.queue import HouseQueue
from infra.blocks.stack import LIFETIMES
from infra.features.key_rotation import KeyRotation
from infra.features.secret_guard import TOUCHES
from infra.stacks.storage import AGGREGATE_INDEX, TODO_INDEX, Storage
from infra.stage import Stage


class Operator(Construct):
    """The role; the account's IAM says who may assume it. Its grants are those of ops/."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        storage: Storage,
        rotation: KeyRotation,
        queues: Sequence[HouseQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.role = iam.Role(
            self,
            "Role",
            role_name=stage.named("operator"),
            description=f"Operate Paid Once {stage.name} with the command line paidonce",
            assumed_by=iam.AccountRootPrincipal(),
            # A working session, not a day.
            max_session_duration=Duration.hours(1),
        )
        self._grant_keys(storage, rotation)
        self._grant_books(storage)
        for queue in queues:
            self._grant_dead_letters(queue)
        self._grant_looks(storage)
        self._grant_outputs()

    def may(self, *actions: str, on: str) -> None:
        """Allow exactly these actions on exactly this resource."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))

    def _grant_keys(self, storage: Storage, rotation: KeyRotation) -> None:
        """`paidonce doctor` and `paidonce keys`."""
        secrets, rotator = storage.secrets, rotation.rotate_secret
        for secret in (
            *(secrets.signing, secrets.payments, secrets.refunds),
            *(secrets.reader, secrets.endpoints),
        ):
            self.may(
                *("secretsmanager:DescribeSecret", "secretsmanager:RotateSecret", *TOUCHES),
                on=secret.secret_arn,
            )
        # The key's own policy lets it be used through our services only.
        self.may(*TABLE_KEY_ACTIONS, on=storage.key.key_arn)
        # RotateSecret asks it of its caller too.
        self.may("lambda:InvokeFunction", on=rotator.live.function_arn)
        # Why a key was refused stands there.
        self.may("logs:FilterLogEvents", on=rotator.logs.log_group_arn)

    def _grant_books(self, storage: Storage) -> None:
        """`paidonce why`, `events`, `verify`; a replay and a discard write a row of the ledger."""
        self.may(
            # The breaker of a key; calls of Stripe are counted.
            *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem"),
            # `forget`, under the version that was read.
            "dynamodb:PutItem",
            on=storage.payments.table_arn,
        )
        events = storage.events.table_arn
        self.may("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", on=events)
        for index in (TODO_INDEX, AGGREGATE_INDEX):
            self.may("dynamodb:Query", on=f"{events}/index/{index}")

    def _grant_dead_letters(self, queue: HouseQueue) -> None:
        """`paidonce dlq`; `replay` sends references to the events queue."""
        self.may("sqs:SendMessage", on=queue.queue.queue_arn)
        self.may(
            *("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"),
            on=queue.dead_letters.queue_arn,
        )

    def _grant_looks(self, storage: Storage) -> None:
        """`paidonce doctor`: what things are, never what is in them."""
        for table in (storage.payments, storage.events, storage.idempotency):
            self.may(
                *("dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"),
                "dynamodb:DescribeContinuousBackups",
                on=table.table_arn,
            )
        named = self._stage.named
        # By name: queues of consumers and the alarms' topic belong to others.
        self._may_look("sqs:GetQueueAttributes", "sqs", named("*"), "Every queue of this stage.")
        self.may("sns:ListSubscriptionsByTopic", on=self._named("sns", named("alarms")))
        why = "DescribeAlarms is allowed on all alarms or not at all."
        self._may_look("cloudwatch:DescribeAlarms", "cloudwatch", "alarm:*", why)

    def _may_look(self, action: str, service: str, names: str, reason: str) -> None:
        self.may(action, on=self._named(service, names))
        shown = self._named(service, names, shown=True)
        accept(self.role, f"IAM5[Resource::{shown}]", reason)

    def _named(self, service: str, name: str, *, shown: bool = False) -> str:
        """An ARN in this account; `shown` is how cdk-nag writes it."""
        stage = self._stage
        account = stage.account or ("<AWS::AccountId>" if shown else Aws.ACCOUNT_ID)
        partition = "<AWS::Partition>" if shown else Aws.PARTITION
        return f"arn:{partition}:{service}:{stage.region}:{account}:{name}"

    def _grant_outputs(self) -> None:
        """The outputs of this stage's stacks, whose ARNs end in an id that nobody knows before."""
        stage = self._stage
        for lifetime in LIFETIMES:
            place = f"cloudformation:{stage.region}:@:stack/PaidOnce-{stage.name}-{lifetime}/*"
            where = place.replace("@", stage.account or Aws.ACCOUNT_ID)
            self.may("cloudformation:DescribeStacks", on=f"arn:{Aws.PARTITION}:{where}")
            shown = place.replace("@", stage.account or "<AWS::AccountId>")
            found = f"IAM5[Resource::arn:<AWS::Partition>:{shown}]"
            accept(self.role, found, "A stack's id is random.")
