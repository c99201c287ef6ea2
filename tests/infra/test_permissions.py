"""Exactly what each function may do, and nothing beside it."""

import re
from pathlib import Path
from typing import Any

from paidonce import rules
from paidonce.domain import permissions, rulebook

from tests.infra.templates import ROOT, Assembly

rulebook.load(rules)
TABLE_KEY = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
COMMIT = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"}
SECRET_CHANGES = {
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
}
TRACES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
SCHEDULER = "scheduler.amazonaws.com"
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}

# A stream's own name is a date; Lambda lists them by their table.
STREAMS_OF_THE_LEDGER = (
    "arn:aws:dynamodb:us-east-1:AWS::AccountId:table/paidonce-prod-events/stream/*"
)

# Lambda's own, in the name of a function that reads a queue.
QUEUE_SOURCE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

ALLOWED = {
    "receive-webhook": {
        "paidonce-prod-stripe-events.Arn": {"sqs:SendMessage"},
        "paidonce/prod/stripe/signing": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
    },
    "apply-event": {
        "paidonce-prod-stripe-events.Arn": {
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
        },
        "paidonce-prod-stripe-events-dead.Arn": {"sqs:SendMessage"},
        "paidonce-prod-payments.Arn": {"dynamodb:BatchGetItem", "dynamodb:GetItem"} | COMMIT,
        "paidonce-prod-events.Arn": {
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
        },
        "paidonce-prod-events.Arn/index/aggregate": {"dynamodb:Query"},
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        "paidonce/prod/stripe/keys/reader": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
        "key through dynamodb": TABLE_KEY,
    },
    "refunds-api": {
        "paidonce-prod-payments.Arn": {"dynamodb:BatchGetItem", "dynamodb:GetItem"} | COMMIT,
        "paidonce-prod-events.Arn": {"dynamodb:PutItem"},
        "paidonce-prod-stripe-operations.Arn": {"sqs:SendMessage"},
        "paidonce/prod/stripe/keys/refunds": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
        "key through dynamodb": TABLE_KEY,
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
    },
    "run-operation": {
        "paidonce-prod-stripe-operations.Arn": {
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
        },
        "paidonce-prod-stripe-operations-dead.Arn": {"sqs:SendMessage"},
        "paidonce-prod-payments.Arn": {"dynamodb:GetItem"} | COMMIT,
        "paidonce-prod-events.Arn": {"dynamodb:BatchGetItem", "dynamodb:PutItem"},
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        "paidonce/prod/stripe/keys/payments": {"secretsmanager:GetSecretValue"},
        "paidonce/prod/stripe/keys/refunds": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
        "key through dynamodb": TABLE_KEY,
    },
    "publish-changes": {
        "paidonce-prod-events.StreamArn": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        },
        STREAMS_OF_THE_LEDGER: {"dynamodb:ListStreams"},
        "paidonce-prod-events.Arn": {"dynamodb:UpdateItem"},
        "paidonce-prod-changes.Arn": {"events:PutEvents"},
        "paidonce-prod-changes-dead.Arn": {"sqs:SendMessage"},
        "key through dynamodb": TABLE_KEY,
    },
    "rotate-secret": {
        "paidonce/prod/stripe/signing": SECRET_CHANGES,
        "paidonce/prod/stripe/keys/payments": SECRET_CHANGES,
        "paidonce/prod/stripe/keys/refunds": SECRET_CHANGES,
        "paidonce/prod/stripe/keys/reader": SECRET_CHANGES,
        "paidonce/prod/stripe/keys/endpoints": SECRET_CHANGES,
        "key through secretsmanager": {"kms:Decrypt", "kms:GenerateDataKey"},
    },
    "answer-fraud-warning": {
        "paidonce-prod-fraud-warnings.Arn": QUEUE_SOURCE,
        "paidonce-prod-payments.Arn": {"dynamodb:GetItem", "dynamodb:PutItem"},
        "paidonce-prod-stripe-operations.Arn": {"sqs:SendMessage"},
        "paidonce-prod-back-office": {"sns:Publish"},
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        "key through sns": {"kms:Decrypt", "kms:GenerateDataKey"},
        "key through dynamodb": TABLE_KEY,
    },
    "notify": {
        "paidonce-prod-notices.Arn": QUEUE_SOURCE,
        "paidonce-prod-customer-notices": {"sns:Publish"},
        "paidonce-prod-back-office": {"sns:Publish"},
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        "key through sns": {"kms:Decrypt", "kms:GenerateDataKey"},
        "key through dynamodb": TABLE_KEY,
    },
    "retire-endpoints": {
        "paidonce/prod/stripe/signing": SECRET_CHANGES,
        "paidonce/prod/stripe/keys/endpoints": {"secretsmanager:GetSecretValue"},
        "paidonce-prod-payments.Arn": {"dynamodb:GetItem", "dynamodb:PutItem"},
        "key through secretsmanager": {"kms:Decrypt", "kms:GenerateDataKey"},
        "key through dynamodb": TABLE_KEY,
    },
    "reconcile": {
        "paidonce-prod-payments.Arn": {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        },
        "paidonce-prod-payments.Arn/index/open": {"dynamodb:Query"},
        "paidonce-prod-stripe-operations.Arn": {"sqs:SendMessage"},
        "paidonce-prod-events.Arn": {
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:UpdateItem",
        },
        "paidonce-prod-events.Arn/index/todo": {"dynamodb:Query"},
        "paidonce-prod-changes.Arn": {"events:PutEvents"},
        "paidonce-prod-stripe-events.Arn": {"sqs:SendMessage"},
        "paidonce/prod/stripe/keys/reader": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
        "key through dynamodb": TABLE_KEY,
    },
    "payments-api": {
        "paidonce-prod-stripe-operations.Arn": {"sqs:SendMessage"},
        "paidonce-prod-payments.Arn": {"dynamodb:GetItem"} | COMMIT,
        "paidonce-prod-events.Arn": {"dynamodb:PutItem"},
        "paidonce-prod-idempotency.Arn": {
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        },
        "paidonce/prod/stripe/keys/payments": {"secretsmanager:GetSecretValue"},
        "key through secretsmanager": {"kms:Decrypt"},
        "key through dynamodb": TABLE_KEY,
    },
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(assembly: Assembly) -> dict[str, list[dict[str, Any]]]:
    """Every statement of each function's role, by the function's name without its stage."""
    roles = {
        function["Role"].removesuffix(".Arn"): name.removeprefix("paidonce-prod-")
        for name, function in assembly.resources("AWS::Lambda::Function").items()
    }
    policies = assembly.resources("AWS::IAM::Policy").values()
    return {
        roles[role]: policy["PolicyDocument"]["Statement"]
        for policy in policies
        for role in policy["Roles"]
        if role in roles
    }


def test_each_function_may_do_exactly_this(prod: Assembly) -> None:
    found: dict[str, dict[str, set[str]]] = {}
    for name, allowed in statements(prod).items():
        of = found.setdefault(name, {})
        for statement in allowed:
            assert statement["Effect"] == "Allow"
            via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
            for resource in listed(statement["Resource"]):
                on = f"key through {via.split('.')[0]}" if via else resource
                of.setdefault(on, set()).update(listed(statement["Action"]))
    expected = {
        name: {**of, "*": TRACES, f"/aws/lambda/paidonce-prod-{name}.Arn": LOGS}
        for name, of in ALLOWED.items()
    }
    assert found == expected


def test_each_function_has_a_role_of_its_own_and_no_managed_policy(prod: Assembly) -> None:
    """The operators' roles are another matter: tests/infra/test_operator.py."""
    roles = {
        name: role
        for name, role in prod.resources("AWS::IAM::Role").items()
        if not str(role.get("RoleName")).startswith("paidonce-prod-operator-")
    }
    schedules = prod.resources("AWS::Scheduler::Schedule")
    assert len(roles) == len(prod.resources("AWS::Lambda::Function")) + len(schedules)
    assert not [role for role in roles.values() if "ManagedPolicyArns" in role]
    assert not [role for role in roles.values() if "Policies" in role]
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"]["Service"] in ("lambda.amazonaws.com", SCHEDULER)


def test_a_schedule_may_call_its_own_function_and_nothing_else(prod: Assembly) -> None:
    schedules = prod.resources("AWS::Scheduler::Schedule")
    assert set(schedules) == {"paidonce-prod-retire-endpoints", "paidonce-prod-reconcile"}
    policies = {
        role: policy["PolicyDocument"]["Statement"]
        for policy in prod.resources("AWS::IAM::Policy").values()
        for role in policy["Roles"]
    }
    for schedule in schedules.values():
        target = schedule["Target"]
        assert "Live" in str(target["Arn"])
        role = target["RoleArn"].removesuffix(".Arn")
        assert policies[role] == [
            {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": target["Arn"]}
        ]
        (trust,) = prod.resources("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": SCHEDULER}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_no_action_is_a_wildcard_and_no_resource_but_the_traces(prod: Assembly) -> None:
    for name, allowed in statements(prod).items():
        for statement in allowed:
            actions = listed(statement["Action"])
            assert not [a for a in actions if "*" in a], name
            if statement["Resource"] == STREAMS_OF_THE_LEDGER:
                assert actions == ["dynamodb:ListStreams"], name
            elif "*" in str(statement["Resource"]):
                assert set(actions) == TRACES, name


def test_the_signing_secrets_are_read_by_the_receiver_and_who_rotates_them(prod: Assembly) -> None:
    readers = {
        name
        for name, allowed in statements(prod).items()
        for statement in allowed
        if "paidonce/prod/stripe/signing" in listed(statement["Resource"])
    }
    assert readers == {"receive-webhook", "rotate-secret", "retire-endpoints"}


# Which function of ours an AWS service may call, and from what of ours.
CALLERS = {
    "apigateway.amazonaws.com": ("paidonce-prod-api", ("receive", "api")),
    "secretsmanager.amazonaws.com": ("paidonce/prod/stripe/", ("rotatesecret",)),
}


def test_only_our_own_resources_may_call_the_functions(prod: Assembly) -> None:
    for permission in prod.resources("AWS::Lambda::Permission").values():
        source, functions = CALLERS[permission["Principal"]]
        assert source in str(permission["SourceArn"])
        assert any(name in str(permission["FunctionName"]).lower() for name in functions)
        # The alias, whose Ref is its ARN.
        assert "Live" in str(permission["FunctionName"])


# --- what the code calls ------------------------------------------------------------------------

ADAPTERS = ROOT / "layers" / "paidonce" / "python" / "paidonce" / "adapters"
# A call of boto3, or a part of a transaction, and the action that it is authorised as.
AUTHORISED_AS = {
    ".get_item(": {"dynamodb:GetItem"},
    ".batch_get_item(": {"dynamodb:BatchGetItem"},
    ".put_item(": {"dynamodb:PutItem"},
    ".update_item(": {"dynamodb:UpdateItem"},
    ".query(": {"dynamodb:Query"},
    '"Put": ': {"dynamodb:PutItem"},
    '"Update": ': {"dynamodb:UpdateItem"},
    '"ConditionCheck": ': {"dynamodb:ConditionCheckItem"},
    ".send_message(": {"sqs:SendMessage"},
    ".change_message_visibility(": {"sqs:ChangeMessageVisibility"},
    ".delete_message_batch(": {"sqs:DeleteMessage"},
    "_client.publish(": {"sns:Publish"},
    ".put_events(": {"events:PutEvents"},
    "SecretsProvider(": {"secretsmanager:GetSecretValue"},
    ".get_secret_value(": {"secretsmanager:GetSecretValue"},
    ".describe_secret(": {"secretsmanager:DescribeSecret"},
    ".put_secret_value(": {"secretsmanager:PutSecretValue"},
    ".update_secret_version_stage(": {"secretsmanager:UpdateSecretVersionStage"},
    "DynamoDBPersistenceLayer(": {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
    },
}
# The same of a function that reads a stream.
STREAM_SOURCE = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:SendMessage",
}


def adapters_of(text: str) -> set[Path]:
    """Modules of adapters that a text imports, and those that they import."""
    found: set[Path] = set()
    left = [text]
    while left:
        names = re.findall(r"from paidonce\.adapters\.([\w.]+) import", left.pop())
        paths = {ADAPTERS / f"{name.replace('.', '/')}.py" for name in names} - found
        found |= paths
        left += [path.read_text() for path in paths if path.is_file()]
    return {path for path in found if path.is_file()}


def test_nothing_is_granted_that_the_code_never_calls(prod: Assembly) -> None:
    for name, allowed in statements(prod).items():
        wiring = (ROOT / "functions" / name.replace("-", "_") / "wiring.py").read_text()
        text = "\n".join(path.read_text() for path in adapters_of(wiring))
        called = {
            action for call, actions in AUTHORISED_AS.items() if call in text for action in actions
        }
        if name in ("apply-event", "run-operation", "notify", "answer-fraud-warning"):
            called |= QUEUE_SOURCE
        if name == "publish-changes":
            called |= STREAM_SOURCE
        granted = {
            action
            for statement in allowed
            for action in listed(statement["Action"])
            if action.startswith(("dynamodb:", "events:", "sns:", "sqs:", "secretsmanager:"))
        }
        assert granted <= called, name


# --- what they may do at Stripe -----------------------------------------------------------------


def test_whoever_is_given_a_key_stands_in_the_manifest_with_it(prod: Assembly) -> None:
    """rotate_secret reads every key, to judge it; it calls Stripe in its own work with one."""
    for name, function in prod.resources("AWS::Lambda::Function").items():
        folder = name.removeprefix("paidonce-prod-").replace("-", "_")
        given = {
            variable.removesuffix("_KEY_ARN").lower()
            for variable in function["Environment"]["Variables"]
            if variable.endswith("_KEY_ARN")
        }
        if folder != "rotate_secret":
            assert given == permissions.of_function(folder).keys(), folder
