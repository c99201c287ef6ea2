"""With IAM really evaluated, as on AWS, the stage works, and each function has its own secret only.

A cloud of its own, so `make iam` runs it apart from the other journeys.
"""

import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from local.cloud import LocalCloud
from local.demo import STEPS, Story
from local.shop import Shop
from ops.app import app

pytestmark = pytest.mark.iam

SECRETS = {
    "SigningSecretArn",
    "PaymentsKeyArn",
    "RefundsKeyArn",
    "ReaderKeyArn",
    "EndpointsKeyArn",
}
# What each function may read, by the name of its output.
OWN = {
    "ReceiveWebhook": {"SigningSecretArn"},
    "ApplyEvent": {"ReaderKeyArn"},
    "PaymentsApi": {"PaymentsKeyArn"},
    "RefundsApi": {"RefundsKeyArn"},
    "RunOperation": {"PaymentsKeyArn", "RefundsKeyArn"},
    "PublishChanges": set(),
    "Notify": set(),
    "Reconcile": {"ReaderKeyArn"},
    "RetireEndpoints": {"SigningSecretArn", "EndpointsKeyArn"},
    "RotateSecret": SECRETS,
}
READS = """
import boto3

def handle(event, context):
    manager, said = boto3.client("secretsmanager"), {}
    for name, arn in event.items():
        try:
            manager.get_secret_value(SecretId=arn)
            said[name] = "read"
        except Exception as error:
            said[name] = error.response["Error"]["Code"]
    return said
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Every call needs a policy that allows it."""
    folder = Path(tmp_path_factory.mktemp("iam"))
    with LocalCloud(folder, enabled_events=("*",), evaluates_iam=True) as running:
        running.deploy()
        yield running


@pytest.fixture(scope="module")
def shop(guarded: LocalCloud) -> Shop:
    return Shop(guarded.endpoints)


def test_the_demo_passes(shop: Shop) -> None:
    story = Story(shop=shop, console=Console(quiet=True))
    for step in STEPS:
        story.tell(step)
    assert story.broken == []


def role_of(shop: Shop, function: str) -> str:
    found = shop.client("lambda").get_function(
        FunctionName=shop.endpoints["outputs"][f"{function}FunctionName"]
    )
    role: str = found["Configuration"]["Role"]
    return role


def read_in_the_role(shop: Shop, role: str) -> dict[str, str]:
    """What becomes of reading each secret in this role."""
    aws, outputs = shop.client("lambda"), shop.endpoints["outputs"]
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as written:
        written.writestr("code.py", READS)
    name = f"reader-{secrets.token_hex(4)}"
    aws.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="code.handle",
        Code={"ZipFile": whole.getvalue()},
        Timeout=20,
    )
    asked = json.dumps({secret: outputs[secret] for secret in SECRETS})
    answer: Any = json.loads(aws.invoke(FunctionName=name, Payload=asked)["Payload"].read())
    said: dict[str, str] = answer
    return said


@pytest.mark.parametrize("function", OWN)
def test_a_function_reads_its_own_secret_and_is_refused_every_other(
    shop: Shop, function: str
) -> None:
    said = read_in_the_role(shop, role_of(shop, function))
    assert {name for name, what in said.items() if what == "read"} == OWN[function]
    assert {what for what in said.values() if what != "read"} <= {"AccessDeniedException"}


def test_the_secrets_refuse_whoever_some_other_policy_allows_everything(shop: Shop) -> None:
    """An administrator's role, say, or a wide one of another application in the account."""
    iam, name = shop.client("iam"), f"wide-{secrets.token_hex(4)}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [trust | {"Action": "sts:AssumeRole"}]}
        ),
    )["Role"]["Arn"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=name,
        PolicyName="everything",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    assert set(read_in_the_role(shop, role).values()) == {"AccessDeniedException"}


def test_keys_and_signing_secret_rotate(guarded: LocalCloud) -> None:
    """The function's role is enough for all four steps."""
    place = str(guarded.directory / "endpoints.json")
    for name in ("refunds", "signing"):
        words = ["--endpoints", place, "keys", "rotate", name, "--yes"]
        ended = CliRunner().invoke(app, words)
        assert ended.exit_code == 0, ended.output
