"""The stand-in once for all, AWS and an account of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from local.stripe.application import Settings
from local.stripe.server import running
from tests.ops.a_stage import AStage


@pytest.fixture(scope="session")
def stripe_url() -> Iterator[str]:
    with running(Settings()) as url:
        yield url


@pytest.fixture
def stage(stripe_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AStage]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # A wide terminal, so that sentences stay in one line.
    monkeypatch.setenv("COLUMNS", "200")
    with mock_aws():
        # Credentials of the account that the stage `local` lives in.
        role = "arn:aws:iam::000000000000:role/operator"
        made = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="op")["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", made["SessionToken"])
        # It remembers those of an earlier test.
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield AStage.deployed(stripe_url, tmp_path)
