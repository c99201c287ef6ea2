"""The stage's KMS key: usable only through the services that hold our data."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stage import Stage

# All that an administrator of the account needs, and no verb that reads or writes with the key:
# with the usual kms:* for the account, any IAM policy could decrypt past the services below.
_ADMINISTER = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_USE = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_THROUGH = ("dynamodb", "secretsmanager", "sns")
# What a table's encryption asks of the role that reads and writes it.
TABLE_KEY_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# What publishing to an encrypted topic asks of the role that publishes.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
TOPIC_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def stage_key(scope: Construct, construct_id: str, *, stage: Stage) -> kms.Key:
    """One key per stage for tables, secrets and topics.

    Its policy delegates to the account's IAM, so that roles of other stacks are granted in those
    stacks: a grant on a key across stacks would tie the two into a cycle.
    """
    stack = Stack.of(scope)
    account = iam.AccountRootPrincipal()
    services = [f"{name}.{stack.region}.amazonaws.com" for name in _THROUGH]
    policy = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="AccountAdministers",
                principals=[account],
                actions=list(_ADMINISTER),
                resources=["*"],
            ),
            iam.PolicyStatement(
                sid="AccountUsesThroughServices",
                principals=[account],
                actions=list(_USE),
                resources=["*"],
                conditions={"StringEquals": {"kms:ViaService": services}},
            ),
            iam.PolicyStatement(
                sid="AlarmsReachTheTopic",
                principals=[
                    iam.ServicePrincipal("cloudwatch.amazonaws.com"),
                    iam.ServicePrincipal("events.amazonaws.com"),
                ],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        ]
    )
    return kms.Key(
        scope,
        construct_id,
        alias=stage.named("data"),
        description=f"Paid Once {stage.name}: tables, secrets, topics",
        enable_key_rotation=True,
        policy=policy,
        removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
    )
