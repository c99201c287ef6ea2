"""The operator's role, and who is told when a stranger reads a secret."""

from typing import Any

from infra.features.strangers import NAME
from tests.infra.templates import ROOT, Assembly
from tests.infra.test_permissions import TABLE_KEY, adapters_of

USERS = {
    "signing": {"receive-webhook", "rotate-secret", "retire-endpoints"},
    "keys/payments": {"payments-api", "run-operation", "rotate-secret"},
    "keys/refunds": {"refunds-api", "run-operation", "rotate-secret"},
    "keys/reader": {"apply-event", "reconcile", "rotate-secret"},
    "keys/endpoints": {"rotate-secret", "retire-endpoints"},
}
TOUCHES = {
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
}
OPERATOR = "paidonce-prod-operator"


def functions_by_role(prod: Assembly) -> dict[str, str]:
    return {
        function["Role"]: name.removeprefix("paidonce-prod-")
        for name, function in prod.resources("AWS::Lambda::Function").items()
    }


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_operator_may_do_what_the_command_line_does_in_this_stage(prod: Assembly) -> None:
    role = prod.resources("AWS::IAM::Role")
    operator = next(one for one in role.values() if one.get("RoleName") == OPERATOR)
    (trust,) = operator["AssumeRolePolicyDocument"]["Statement"]
    assert ":root" in trust["Principal"]["AWS"]
    assert operator["MaxSessionDuration"] == 3600
    (policy,) = [
        one for one in prod.resources("AWS::IAM::Policy").values() if "Operator" in one["Roles"][0]
    ]
    allowed: dict[str, set[str]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = set(several(statement["Action"]))
        assert not [one for one in actions if "*" in one]
        for resource in several(statement["Resource"]):
            assert resource != "*"
            allowed.setdefault(str(resource), set()).update(actions)
    for secret in USERS:
        assert allowed[f"paidonce/prod/stripe/{secret}"] == TOUCHES | {
            "secretsmanager:DescribeSecret",
            "secretsmanager:RotateSecret",
        }
    # A row of a payment is written to forget a person (docs/decisions/0017), and never deleted.
    assert "dynamodb:DeleteItem" not in allowed["paidonce-prod-payments.Arn"]
    # What is asked of several things at once shows no more than that they are there.
    several_at_once = {one for name, them in allowed.items() if "*" in name for one in them}
    assert several_at_once <= {
        "cloudformation:DescribeStacks",
        "cloudwatch:DescribeAlarms",
        "sqs:GetQueueAttributes",
    }
    assert allowed["paidonce-prod-stripe-events.Arn"] == {"sqs:SendMessage"}


def test_a_stranger_who_reads_a_secret_is_told_of_wherever_there_is_cloudtrail(
    prod: Assembly, local: Assembly
) -> None:
    """Reads reach a rule in this state only."""
    assert not [n for n in local.resources("AWS::Events::Rule") if NAME in n]
    rule = prod.resources("AWS::Events::Rule")[f"paidonce-prod-{NAME}"]
    assert rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    detail = rule["EventPattern"]["detail"]
    assert detail["eventName"] == ["GetSecretValue"]
    prefixes = [one["prefix"] for one in detail["requestParameters"]["secretId"]]
    assert prefixes[1] == "paidonce/prod/stripe/"
    assert prefixes[0].endswith(":secret:paidonce/prod/stripe/")
    listed, nobody = (
        one["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"][0] for one in detail["$or"]
    )
    assert nobody == {"exists": False}
    names = functions_by_role(prod)
    listed = listed["anything-but"]["wildcard"]
    assert any("cdk-hnb659fds-cfn-exec-role-" in role for role in listed)
    functions = {names[role] for role in listed if role in names}
    assert functions == set().union(*USERS.values()) & set(names.values())
    (target,) = rule["Targets"]
    assert target["Arn"] == "paidonce-prod-alarms"
    assert f"docs/runbook.md#{NAME}" in target["InputTransformer"]["InputTemplate"]


# A call of boto3 in ops/, or in an adapter that it uses, and the action that it is authorised as.
AUTHORISED_AS = {
    ".batch_get_item(": "dynamodb:BatchGetItem",
    ".change_message_visibility_batch(": "sqs:ChangeMessageVisibility",
    ".delete_message(": "sqs:DeleteMessage",
    ".put_item(": "dynamodb:PutItem",
    ".query(": "dynamodb:Query",
    ".receive_message(": "sqs:ReceiveMessage",
    ".send_message(": "sqs:SendMessage",
    ".update_item(": "dynamodb:UpdateItem",
    ".describe_stacks(": "cloudformation:DescribeStacks",
    ".describe_table(": "dynamodb:DescribeTable",
    ".describe_time_to_live(": "dynamodb:DescribeTimeToLive",
    ".describe_continuous_backups(": "dynamodb:DescribeContinuousBackups",
    ".get_queue_attributes(": "sqs:GetQueueAttributes",
    'get_paginator("describe_alarms")': "cloudwatch:DescribeAlarms",
    'get_paginator("list_subscriptions_by_topic")': "sns:ListSubscriptionsByTopic",
    ".describe_secret(": "secretsmanager:DescribeSecret",
    ".filter_log_events(": "logs:FilterLogEvents",
    ".get_item(": "dynamodb:GetItem",
    ".get_secret_value(": "secretsmanager:GetSecretValue",
    ".put_secret_value(": "secretsmanager:PutSecretValue",
    ".rotate_secret(": "secretsmanager:RotateSecret",
    ".update_secret_version_stage(": "secretsmanager:UpdateSecretVersionStage",
}
# What these calls ask for beside: the key of secrets and tables, and the rotation's function.
BESIDE = {*TABLE_KEY, "lambda:InvokeFunction"}


def test_the_operator_is_granted_exactly_what_the_command_line_calls(prod: Assembly) -> None:
    own = [path.read_text() for path in (ROOT / "ops").rglob("*.py")]
    texts = own + [path.read_text() for path in adapters_of("\n".join(own))]
    called = {action for call, action in AUTHORISED_AS.items() if any(call in t for t in texts)}
    granted = {
        action
        for policy in prod.resources("AWS::IAM::Policy").values()
        if "Operator" in policy["Roles"][0]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in several(statement["Action"])
    }
    assert granted - BESIDE == called
