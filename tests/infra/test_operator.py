"""The operators' roles, and who is told when a stranger reads a secret."""

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
READ, WRITE = "paidonce-prod-operator-read", "paidonce-prod-operator-write"


def functions_by_role(prod: Assembly) -> dict[str, str]:
    return {
        function["Role"]: name.removeprefix("paidonce-prod-")
        for name, function in prod.resources("AWS::Lambda::Function").items()
    }


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements_of(prod: Assembly, kind: str) -> list[dict[str, Any]]:
    """Of the role Read or Write."""
    (policy,) = [
        one
        for one in prod.resources("AWS::IAM::Policy").values()
        if f"Operator{kind}" in one["Roles"][0]
    ]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def allowed_to(prod: Assembly, kind: str) -> dict[str, set[str]]:
    """Actions by resource."""
    allowed: dict[str, set[str]] = {}
    for statement in statements_of(prod, kind):
        actions = set(several(statement["Action"]))
        assert not [one for one in actions if "*" in one]
        for resource in several(statement["Resource"]):
            assert resource != "*"
            allowed.setdefault(str(resource), set()).update(actions)
    return allowed


def test_the_account_says_who_may_assume_the_roles_and_the_stage_may_say_more(
    prod: Assembly, local: Assembly
) -> None:
    for assembly in (prod, local):
        roles = {
            role["RoleName"]: role
            for role in assembly.resources("AWS::IAM::Role").values()
            if "operator" in str(role.get("RoleName"))
        }
        stage = assembly.stage
        assert roles.keys() == {stage.named("operator-read"), stage.named("operator-write")}
        for role in roles.values():
            (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
            assert ":root" in trust["Principal"]["AWS"]
            assert role["MaxSessionDuration"] == 3600
            named = list(stage.access.operators)
            condition = {"ArnLike": {"aws:PrincipalArn": named}} if named else None
            assert trust.get("Condition") == condition


# What changes something, or shows a secret.
CHANGES = {
    *("dynamodb:PutItem", "dynamodb:DeleteItem", "sqs:SendMessage", "sqs:DeleteMessage"),
    *("secretsmanager:RotateSecret", "secretsmanager:PutSecretValue", "lambda:InvokeFunction"),
    "secretsmanager:UpdateSecretVersionStage",
}


def test_who_looks_changes_nothing_and_reads_one_secret_which_only_reads(prod: Assembly) -> None:
    read, write = allowed_to(prod, "Read"), allowed_to(prod, "Write")
    assert not CHANGES & set().union(*read.values())
    for resource, actions in read.items():
        assert actions <= write[resource], resource
    secrets = {name for name, them in read.items() if "secretsmanager:GetSecretValue" in them}
    assert secrets == {"paidonce/prod/stripe/keys/reader"}


def test_who_looks_may_count_calls_of_stripe_and_write_no_other_item(prod: Assembly) -> None:
    (counts,) = [
        one
        for one in statements_of(prod, "Read")
        if "dynamodb:UpdateItem" in several(one["Action"])
    ]
    assert counts["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["budget#*"]}
    }
    adapter = ROOT / "layers/paidonce/python/paidonce/adapters/dynamodb_counters.py"
    assert 'f"budget#{' in adapter.read_text()


def test_the_operator_may_do_what_the_command_line_does_in_this_stage(prod: Assembly) -> None:
    allowed = allowed_to(prod, "Write")
    for secret in USERS:
        assert allowed[f"paidonce/prod/stripe/{secret}"] == TOUCHES | {
            "secretsmanager:DescribeSecret",
            "secretsmanager:ListSecretVersionIds",
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
    heard = [name for name, them in allowed.items() if "sns:ListSubscriptionsByTopic" in them]
    assert sorted(name.rpartition(":")[2] for name in heard) == [
        "paidonce-prod-alarms",
        "paidonce-prod-pages",
    ]


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
    ".list_secret_version_ids(": "secretsmanager:ListSecretVersionIds",
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
        if "OperatorWrite" in policy["Roles"][0]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in several(statement["Action"])
    }
    assert granted - BESIDE == called
