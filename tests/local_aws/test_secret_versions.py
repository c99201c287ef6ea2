"""Staging labels and tokens of secrets, as AWS keeps them."""

import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.embedded import EmbeddedAws

pytestmark = pytest.mark.cloud


@pytest.fixture
def manager(aws: EmbeddedAws) -> Any:
    return aws.client("secretsmanager")


@pytest.fixture
def secret(manager: Any) -> str:
    arn: str = manager.create_secret(Name=secrets.token_hex(4), SecretString="one")["ARN"]
    return arn


def token() -> str:
    return secrets.token_hex(16)


def labels(manager: Any, secret: str) -> dict[str, set[str]]:
    said = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    return {
        manager.get_secret_value(SecretId=secret, VersionId=version)["SecretString"]: set(stages)
        for version, stages in said.items()
    }


def test_a_label_sits_on_one_version(manager: Any, secret: str) -> None:
    for value in ("two", "three"):
        manager.put_secret_value(SecretId=secret, SecretString=value, VersionStages=["STAGED"])
    assert labels(manager, secret) == {"one": {"AWSCURRENT"}, "three": {"STAGED"}}


def test_a_new_current_version_may_carry_other_labels_too(manager: Any, secret: str) -> None:
    manager.put_secret_value(
        SecretId=secret, SecretString="two", VersionStages=["AWSCURRENT", "EDITED"]
    )
    assert labels(manager, secret) == {"one": {"AWSPREVIOUS"}, "two": {"AWSCURRENT", "EDITED"}}


def test_a_token_used_again_is_ignored_with_the_same_value(manager: Any, secret: str) -> None:
    same = token()
    for _ in range(2):
        said = manager.put_secret_value(
            SecretId=secret, SecretString="two", ClientRequestToken=same
        )
    assert said["VersionId"] == same
    assert said["VersionStages"] == ["AWSCURRENT"]
    assert labels(manager, secret) == {"one": {"AWSPREVIOUS"}, "two": {"AWSCURRENT"}}


def test_a_token_used_again_is_refused_with_another_value(manager: Any, secret: str) -> None:
    same = token()
    manager.put_secret_value(SecretId=secret, SecretString="two", ClientRequestToken=same)
    with pytest.raises(ClientError, match="ResourceExistsException"):
        manager.put_secret_value(SecretId=secret, SecretString="three", ClientRequestToken=same)
    assert labels(manager, secret) == {"one": {"AWSPREVIOUS"}, "two": {"AWSCURRENT"}}


def test_current_moves_only_from_the_version_that_has_it(manager: Any, secret: str) -> None:
    first = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    old = next(iter(first))
    edited, other = token(), token()
    for version, value in ((edited, "edited"), (other, "other")):
        manager.put_secret_value(
            SecretId=secret,
            SecretString=value,
            ClientRequestToken=version,
            VersionStages=["EDITED"],
        )
    move = {"SecretId": secret, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": old}
    manager.update_secret_version_stage(**move, MoveToVersionId=edited)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        manager.update_secret_version_stage(**move, MoveToVersionId=other)
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "edited"
