"""RotateSecret calls the four steps of the secret's function."""

import json
import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.embedded import EmbeddedAws, until

pytestmark = pytest.mark.cloud

ROTATE = """
import boto3, json
manager = boto3.client("secretsmanager")

def handle(event, context):
    secret, token = event["SecretId"], event["ClientRequestToken"]
    steps(secret, event["Step"])
    if event["Step"] == "createSecret":
        try:
            manager.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        except manager.exceptions.ResourceNotFoundException:
            manager.put_secret_value(
                SecretId=secret, ClientRequestToken=token, SecretString="new",
                VersionStages=["AWSPENDING"])
    if event["Step"] == "testSecret":
        value = manager.get_secret_value(SecretId=secret, VersionStage="AWSPENDING")
        if "refuse" in manager.describe_secret(SecretId=secret)["Description"]:
            raise ValueError("the new one does not work")
    if event["Step"] == "finishSecret":
        versions = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(v for v, stages in versions.items() if "AWSCURRENT" in stages)
        manager.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
            RemoveFromVersionId=current)

def steps(secret, step):
    tags = {t["Key"]: t["Value"] for t in manager.describe_secret(SecretId=secret)["Tags"]}
    done = tags.get("steps", "") + step[:1]
    manager.tag_resource(SecretId=secret, Tags=[{"Key": "steps", "Value": done}])
"""


@pytest.fixture(scope="module")
def function(aws: EmbeddedAws) -> str:
    name = aws.function(ROTATE)
    arn: str = aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    return arn


@pytest.fixture
def manager(aws: EmbeddedAws) -> Any:
    return aws.client("secretsmanager")


def new_secret(manager: Any, description: str = "accept") -> str:
    arn: str = manager.create_secret(
        Name=secrets.token_hex(4), SecretString="old", Description=description
    )["ARN"]
    return arn


def steps(manager: Any, secret: str) -> str:
    tags = manager.describe_secret(SecretId=secret)["Tags"]
    return next((tag["Value"] for tag in tags if tag["Key"] == "steps"), "")


def labels(manager: Any, secret: str) -> list[set[str]]:
    return [set(s) for s in manager.describe_secret(SecretId=secret)["VersionIdsToStages"].values()]


def test_four_steps_move_current_to_the_new_version(manager: Any, function: str) -> None:
    secret = new_secret(manager)
    version = manager.rotate_secret(SecretId=secret, RotationLambdaARN=function)["VersionId"]
    said = until(
        lambda: (d := manager.describe_secret(SecretId=secret)).get("LastRotatedDate") and d
    )
    assert steps(manager, secret) == "cstf"
    assert "AWSCURRENT" in said["VersionIdsToStages"][version]
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "new"
    old = manager.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")
    assert (old["SecretString"], old["VersionStages"]) == ("old", ["AWSPREVIOUS"])


def test_a_refused_test_leaves_current_and_the_next_rotation_waits(
    manager: Any, function: str
) -> None:
    """AWSPENDING on another version means a rotation under way, until it is taken off."""
    secret = new_secret(manager, "refuse")
    version = manager.rotate_secret(SecretId=secret, RotationLambdaARN=function)["VersionId"]
    until(lambda: steps(manager, secret) == "cst")
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "old"
    with pytest.raises(ClientError, match="A previous rotation isn't complete"):
        manager.rotate_secret(SecretId=secret)
    manager.update_secret(SecretId=secret, Description="accept")
    manager.rotate_secret(SecretId=secret, ClientRequestToken=version)
    until(lambda: steps(manager, secret) == "cstcstf")
    manager.rotate_secret(SecretId=secret)
    until(lambda: steps(manager, secret) == "cstcstfcstf")
    assert sorted(map(len, labels(manager, secret))) in ([1, 1], [1, 2])


def test_a_secret_without_a_function_cannot_rotate(manager: Any) -> None:
    with pytest.raises(ClientError, match="No Lambda rotation function"):
        manager.rotate_secret(SecretId=new_secret(manager))


def test_a_schedule_in_a_template_is_tested_and_does_not_rotate_at_once(
    aws: EmbeddedAws, manager: Any, function: str
) -> None:
    made = aws.stack(
        {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"Name": secrets.token_hex(4), "SecretString": "old"},
            },
            "Schedule": {
                "Type": "AWS::SecretsManager::RotationSchedule",
                "Properties": {
                    "SecretId": {"Ref": "Secret"},
                    "RotationLambdaARN": function,
                    "RotateImmediatelyOnUpdate": False,
                    "RotationRules": {"ScheduleExpression": "cron(0 3 1 * ? *)"},
                },
            },
            "Policy": {
                "Type": "AWS::SecretsManager::ResourcePolicy",
                "Properties": {
                    "SecretId": {"Ref": "Secret"},
                    "ResourcePolicy": {"Version": "2012-10-17", "Statement": []},
                },
            },
        },
        Secret={"Ref": "Secret"},
    )
    secret = made["Secret"]
    until(lambda: steps(manager, secret) == "t")
    until(lambda: len(labels(manager, secret)) == 1)
    said = manager.describe_secret(SecretId=secret)
    assert said["RotationRules"] == {"ScheduleExpression": "cron(0 3 1 * ? *)"}
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "old"
    policy = manager.get_resource_policy(SecretId=secret)["ResourcePolicy"]
    assert json.loads(policy)["Statement"] == []
