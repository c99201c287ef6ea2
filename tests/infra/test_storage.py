"""What must outlive a release."""

import json
import re

import pytest

from tests.infra.templates import Assemblies, Assembly

PLACEHOLDERS = {
    "paidonce/prod/stripe/signing": {"based_on": None, "endpoints": []},
    "paidonce/prod/stripe/keys/payments": {"key": "", "created": None},
    "paidonce/prod/stripe/keys/refunds": {"key": "", "created": None},
    "paidonce/prod/stripe/keys/reader": {"key": "", "created": None},
    "paidonce/prod/stripe/keys/endpoints": {"key": "", "created": None},
}


def test_tables_are_encrypted_recoverable_and_forget_in_time(prod: Assembly) -> None:
    tables = prod.resources("AWS::DynamoDB::Table")
    assert {
        name: (table["KeySchema"], table["TimeToLiveSpecification"]["AttributeName"])
        for name, table in tables.items()
    } == {
        "paidonce-prod-payments": ([{"AttributeName": "id", "KeyType": "HASH"}], "expires_at"),
        "paidonce-prod-events": ([{"AttributeName": "event_id", "KeyType": "HASH"}], "expires_at"),
        "paidonce-prod-idempotency": ([{"AttributeName": "id", "KeyType": "HASH"}], "expiration"),
    }
    for table in tables.values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"]["SSEType"] == "KMS"
        assert table["SSESpecification"]["KMSMasterKeyId"].endswith(".Arn")
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["TimeToLiveSpecification"]["Enabled"]


def test_open_payments_are_found_by_an_index(prod: Assembly) -> None:
    tables = prod.resources("AWS::DynamoDB::Table")
    (index,) = tables["paidonce-prod-payments"]["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["Projection"]) == ("open", {"ProjectionType": "KEYS_ONLY"})


def test_the_ledger_is_found_by_what_is_left_to_do_and_by_what_it_is_about(prod: Assembly) -> None:
    tables = prod.resources("AWS::DynamoDB::Table")
    assert tables["paidonce-prod-events"]["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "todo",
            "KeySchema": [
                {"AttributeName": "todo", "KeyType": "HASH"},
                {"AttributeName": "touched_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
        {
            "IndexName": "aggregate",
            "KeySchema": [
                {"AttributeName": "aggregate_id", "KeyType": "HASH"},
                {"AttributeName": "decided_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        },
    ]
    assert tables["paidonce-prod-events"]["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert "StreamSpecification" not in tables["paidonce-prod-payments"]


@pytest.mark.parametrize(
    ("name", "policy", "protected"), [("prod", "Retain", True), ("local", "Delete", False)]
)
def test_data_outlives_its_stack_where_the_stage_says(
    assemblies: Assemblies, *, name: str, policy: str, protected: bool
) -> None:
    assembly = assemblies.of(name)
    kept = (
        "DynamoDB::Table",
        "SecretsManager::Secret",
        "KMS::Key",
        "Cognito::UserPool",
        "Events::EventBus",
    )
    for kind in kept:
        for resource in assembly.whole(f"AWS::{kind}").values():
            assert resource["DeletionPolicy"] == policy
            assert resource["UpdateReplacePolicy"] == policy
    for table in assembly.resources("AWS::DynamoDB::Table").values():
        assert table["DeletionProtectionEnabled"] == protected
    manifest = json.loads((assembly.folder / "manifest.json").read_text())
    for stack in ("storage", "service", "alarms"):
        properties = manifest["artifacts"][f"PaidOnce-{name}-{stack}"]["properties"]
        assert properties.get("terminationProtection", False) == protected


def test_secrets_are_born_as_placeholders_under_the_stage_key(prod: Assembly) -> None:
    secrets = prod.resources("AWS::SecretsManager::Secret")
    assert {name: json.loads(secret["SecretString"]) for name, secret in secrets.items()} == (
        PLACEHOLDERS
    )
    for secret in secrets.values():
        assert "GenerateSecretString" not in secret
        assert secret["KmsKeyId"].endswith(".Arn")


def test_a_secret_is_never_written_again(assemblies: Assemblies) -> None:
    """CloudFormation writes a secret's value anew when the template's text of it changes."""
    texts = {
        secret["SecretString"]
        for name in ("prod", "local")
        for secret in assemblies.of(name).resources("AWS::SecretsManager::Secret").values()
    }
    assert texts == {'{"based_on": null, "endpoints": []}', '{"key": "", "created": null}'}


def test_the_key_works_only_through_services_that_hold_our_data(prod: Assembly) -> None:
    (key,) = prod.resources("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"]
    statements = {one["Sid"]: one for one in key["KeyPolicy"]["Statement"]}
    assert set(statements) == {
        "AccountAdministers",
        "AccountUsesThroughServices",
        "AlarmsReachTheTopic",
    }
    use = re.compile(r"kms:(Decrypt|Encrypt|ReEncrypt|GenerateDataKey|CreateGrant|\*)")
    assert not [a for a in statements["AccountAdministers"]["Action"] if use.match(a)]
    assert statements["AccountUsesThroughServices"]["Condition"] == {
        "StringEquals": {
            "kms:ViaService": [
                "dynamodb.us-east-1.amazonaws.com",
                "secretsmanager.us-east-1.amazonaws.com",
                "sns.us-east-1.amazonaws.com",
            ]
        }
    }
    assert statements["AlarmsReachTheTopic"]["Principal"] == {
        "Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }
    assert not [a for one in statements.values() for a in one["Action"] if "*" in a]


def test_the_pool_knows_every_scope_and_two_clients(prod: Assembly) -> None:
    (server,) = prod.resources("AWS::Cognito::UserPoolResourceServer").values()
    scopes = {scope["ScopeName"] for scope in server["Scopes"]}
    assert server["Identifier"] == "paidonce-prod"
    assert {"payments:read", "payments:write", "payments:amount", "payments:any"} <= scopes
    clients = prod.resources("AWS::Cognito::UserPoolClient")
    machine, shop = clients["machine"], clients["shop"]
    assert machine["AllowedOAuthFlows"] == ["client_credentials"]
    assert machine["GenerateSecret"] is True
    assert {one.rpartition("/")[2] for one in machine["AllowedOAuthScopes"]} == scopes
    assert shop["AllowedOAuthFlows"] == ["code"]
    assert shop["GenerateSecret"] is False
    assert {one.rpartition("/")[2] for one in shop["AllowedOAuthScopes"]} == {
        "openid",
        "payments:read",
        "payments:write",
    }


def test_a_stage_with_its_own_issuer_has_no_pool(customised: Assembly) -> None:
    assert customised.resources("AWS::Cognito::UserPool") == {}
    (authorizer,) = customised.resources("AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["JwtConfiguration"] == {
        "Audience": ["shop"],
        "Issuer": "https://id.example.com/",
    }
    assert "TokenUrl" not in customised.outputs()
