"""Whoever operates a stage with the command line: a role to look with, and one to change."""

from collections.abc import Mapping, Sequence

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

# How the ids of counters begin: adapters/dynamodb_counters.py.
BUDGET = "budget#"


class Operator(Construct):
    """Two roles whose grants are those of ops/: `write` may do all that `paidonce` does.

    `read` looks: `why`, `events`, `verify`, `dlq ls`, and what of `doctor` needs no key but the
    reader's. The account's IAM says who may assume them, and `access.operators`, where it is set.
    """

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
        self.read = self._role("Read", "look at")
        self.write = self._role("Write", "operate")
        self._grant_keys(storage, rotation)
        self._grant_books(storage)
        for queue in queues:
            self._grant_dead_letters(queue)
        self._grant_looks(storage)
        self._grant_outputs()

    def _role(self, kind: str, verb: str) -> iam.Role:
        stage = self._stage
        operators = list(stage.access.operators)
        account = iam.AccountRootPrincipal()
        trusted = account.with_conditions({"ArnLike": {"aws:PrincipalArn": operators}})
        return iam.Role(
            self,
            kind,
            role_name=stage.named(f"operator-{kind.lower()}"),
            description=f"To {verb} Paid Once {stage.name} with the command line paidonce",
            assumed_by=trusted if operators else account,
            # A working session, not a day.
            max_session_duration=Duration.hours(1),
        )

    def may_read(self, *actions: str, on: str) -> None:
        """Allow both roles exactly these actions on exactly this resource."""
        self._may(self.read, actions, on)
        self._may(self.write, actions, on)

    def may_write(self, *actions: str, on: str) -> None:
        """Allow it to the role that changes things."""
        self._may(self.write, actions, on)

    @staticmethod
    def _may(
        role: iam.Role,
        actions: Sequence[str],
        on: str,
        conditions: Mapping[str, object] | None = None,
    ) -> None:
        role.add_to_policy(
            iam.PolicyStatement(actions=list(actions), resources=[on], conditions=conditions)
        )

    def _grant_keys(self, storage: Storage, rotation: KeyRotation) -> None:
        """`paidonce doctor` and `paidonce keys`; `why` tells when a secret was rotated."""
        secrets, rotator = storage.secrets, rotation.rotate_secret
        for secret in (
            *(secrets.signing, secrets.payments, secrets.refunds),
            *(secrets.reader, secrets.endpoints),
        ):
            # What there is and when it was made, never what is in it.
            self.may_read(
                *("secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"),
                on=secret.secret_arn,
            )
            self.may_write("secretsmanager:RotateSecret", *TOUCHES, on=secret.secret_arn)
        # `verify` asks Stripe by it, and it can do no more than read.
        self._may(self.read, ["secretsmanager:GetSecretValue"], secrets.reader.secret_arn)
        # The key's own policy lets it be used through our services only.
        self.may_read(*TABLE_KEY_ACTIONS, on=storage.key.key_arn)
        # RotateSecret asks it of its caller too.
        self.may_write("lambda:InvokeFunction", on=rotator.live.function_arn)
        # Why a key was refused stands there.
        self.may_write("logs:FilterLogEvents", on=rotator.logs.log_group_arn)

    def _grant_books(self, storage: Storage) -> None:
        """`paidonce why`, `events`, `verify`; a replay and a discard write a row of the ledger."""
        payments, events = storage.payments.table_arn, storage.events.table_arn
        # Rows, and the breaker of a key.
        self.may_read("dynamodb:GetItem", "dynamodb:BatchGetItem", on=payments)
        # `forget`, under the version that was read.
        self.may_write("dynamodb:PutItem", "dynamodb:UpdateItem", on=payments)
        # Calls of Stripe are counted, and nothing else is changed by who only looks.
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{BUDGET}*"]}}
        self._may(self.read, ["dynamodb:UpdateItem"], payments, keys)
        self.may_read("dynamodb:GetItem", "dynamodb:BatchGetItem", on=events)
        self.may_write("dynamodb:PutItem", on=events)
        for index in (TODO_INDEX, AGGREGATE_INDEX):
            self.may_read("dynamodb:Query", on=f"{events}/index/{index}")

    def _grant_dead_letters(self, queue: HouseQueue) -> None:
        """`paidonce dlq`; `replay` sends references to the events queue."""
        self.may_write("sqs:SendMessage", on=queue.queue.queue_arn)
        dead = queue.dead_letters.queue_arn
        # To look at one is to hide it for some seconds, and to show it again.
        self.may_read("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", on=dead)
        self.may_write("sqs:DeleteMessage", on=dead)

    def _grant_looks(self, storage: Storage) -> None:
        """`paidonce doctor`: what things are, never what is in them."""
        for table in (storage.payments, storage.events, storage.idempotency):
            self.may_read(
                *("dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"),
                "dynamodb:DescribeContinuousBackups",
                on=table.table_arn,
            )
        named = self._stage.named
        # By name: queues of consumers and the alarms' topics belong to others.
        self._may_look("sqs:GetQueueAttributes", "sqs", named("*"), "Every queue of this stage.")
        for topic in ("alarms", "pages"):
            self.may_read("sns:ListSubscriptionsByTopic", on=self._named("sns", named(topic)))
        why = "DescribeAlarms is allowed on all alarms or not at all."
        self._may_look("cloudwatch:DescribeAlarms", "cloudwatch", "alarm:*", why)

    def _accept(self, rule: str, reason: str) -> None:
        for role in (self.read, self.write):
            accept(role, rule, reason)

    def _may_look(self, action: str, service: str, names: str, reason: str) -> None:
        self.may_read(action, on=self._named(service, names))
        shown = self._named(service, names, shown=True)
        self._accept(f"IAM5[Resource::{shown}]", reason)

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
            self.may_read("cloudformation:DescribeStacks", on=f"arn:{Aws.PARTITION}:{where}")
            shown = place.replace("@", stage.account or "<AWS::AccountId>")
            found = f"IAM5[Resource::arn:<AWS::Partition>:{shown}]"
            self._accept(found, "A stack's id is random.")
