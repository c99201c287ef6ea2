"""CloudFormation keeps what ministack drops, and accepts what it does not know."""

import secrets
from typing import Any

import pytest

from tests.local_aws.embedded import EmbeddedAws

pytestmark = pytest.mark.cloud


def table(kind: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": f"AWS::DynamoDB::{kind}",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            **properties,
        },
    }


def test_ref_of_a_secret_is_its_arn(aws: EmbeddedAws) -> None:
    name = secrets.token_hex(4)
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": name}}
    made = aws.stack({"Secret": secret}, Ref={"Ref": "Secret"})
    said = aws.client("secretsmanager").describe_secret(SecretId=name)
    assert made["Ref"] == said["ARN"]


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_table_keeps_time_to_live_recovery_and_encryption(aws: EmbeddedAws, kind: str) -> None:
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    key = {"KMSMasterKeyId": "alias/any"}
    if kind == "Table":
        properties: dict[str, Any] = {**recovery, "SSESpecification": {"SSEEnabled": True, **key}}
    else:
        replica = {"Region": "us-east-1", "SSESpecification": key, **recovery}
        properties = {"Replicas": [replica], "SSESpecification": {"SSEEnabled": True}}
    name = aws.stack({"Table": table(kind, **properties)}, Name={"Ref": "Table"})["Name"]
    dynamodb = aws.client("dynamodb")
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovers = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert recovers == "ENABLED"
    assert dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"]["SSEType"] == "KMS"


def test_a_user_pool_names_the_issuer_of_its_tokens(aws: EmbeddedAws) -> None:
    made = aws.stack(
        {"Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {}}},
        Issuer={"Fn::GetAtt": ["Pool", "ProviderURL"]},
        Pool={"Ref": "Pool"},
    )
    assert made["Issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{made['Pool']}"


def test_types_that_only_production_needs_do_not_refuse_the_template(aws: EmbeddedAws) -> None:
    made = aws.stack(
        {
            "Group": {"Type": "AWS::XRay::Group", "Properties": {"GroupName": "any"}},
            "Budget": {"Type": "AWS::Budgets::Budget", "Properties": {}},
        },
        Group={"Ref": "Group"},
    )
    assert "Group" in made["Group"]


def test_reserved_concurrency_is_kept(aws: EmbeddedAws) -> None:
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Role": "arn:aws:iam::000000000000:role/any",
            "Runtime": "python3.13",
            "Handler": "index.handle",
            "Code": {"ZipFile": "def handle(event, context): return 1"},
            "ReservedConcurrentExecutions": 3,
        },
    }
    name = aws.stack({"Function": function}, Name={"Ref": "Function"})["Name"]
    said = aws.client("lambda").get_function_concurrency(FunctionName=name)
    assert said["ReservedConcurrentExecutions"] == 3
