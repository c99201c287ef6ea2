"""No secret of the stage is anywhere but in Secrets Manager and in Stripe's own hands."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.cloud import LocalCloud
from local.shop import Shop
from ops.app import app
from ops.place import SECRETS

# What a canary may be in: the cloud's description of itself, which is for the operator.
_FOR_THE_OPERATOR = {"endpoints.json"}


def every_value(shop: Shop) -> Iterator[str]:
    """Every key and signing secret in any version of any secret."""
    manager = shop.client("secretsmanager")
    for output in SECRETS.values():
        arn = shop.endpoints["outputs"][output]
        for version in manager.describe_secret(SecretId=arn)["VersionIdsToStages"]:
            found = manager.get_secret_value(SecretId=arn, VersionId=version)
            document = json.loads(found["SecretString"])
            yield document.get("key", "")
            yield from (entry["secret"] for entry in document.get("endpoints", ()))


def environments(shop: Shop) -> str:
    functions = shop.client("lambda").get_paginator("list_functions").paginate()
    found = [one.get("Environment") for page in functions for one in page["Functions"]]
    assert len(found) > 5
    return json.dumps(found)


def templates(shop: Shop) -> str:
    cloudformation = shop.client("cloudformation")
    names = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
    assert len(names) > 2
    return json.dumps([cloudformation.get_template(StackName=name) for name in names], default=str)


def logs(shop: Shop) -> str:
    client = shop.client("logs")
    groups = client.get_paginator("describe_log_groups").paginate()
    found: list[Any] = []
    for name in (one["logGroupName"] for page in groups for one in page["logGroups"]):
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=name)
        found += [event["message"] for page in pages for event in page["events"]]
    assert any("rotation refused" in line for line in found)
    assert any("stripe call" in line for line in found)
    return "\n".join(found)


def tables_and_queues(shop: Shop) -> str:
    outputs = shop.endpoints["outputs"]
    rows = [list(shop.rows(name)) for name in outputs if name.endswith("TableName")]
    urls = [url for name, url in outputs.items() if name.endswith("QueueUrl")]
    letters = [
        shop.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        for url in urls
    ]
    return json.dumps([rows, letters], default=str)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What the embedded AWS, cdk and the command line wrote; the stand-in is Stripe's own side."""
    for path in folder.rglob("*"):
        mine = path.name not in _FOR_THE_OPERATOR and path.name != "stripe.log"
        if path.is_file() and mine:
            yield str(path.relative_to(folder)), path.read_bytes()


@pytest.fixture
def canaries(cloud: LocalCloud, shop: Shop) -> set[str]:
    """The stage's own secrets, and wrong ones that somebody gave by mistake."""
    planted = ["rk_" + "live_" + secrets.token_hex(12), f"garbage{secrets.token_hex(8)}"]
    place = str(cloud.directory / "endpoints.json")
    for key in planted:
        words = ["--endpoints", place, "keys", "stage", "reader"]
        ended = CliRunner().invoke(app, words, input=key)
        assert ended.exit_code == 1
        assert key not in ended.output
    # Forged, and verified with every secret that is live.
    shop.deliver(b"{}", f"t=1,v1={planted[1]}")
    payment = shop.new_payment()
    shop.confirm(payment["payment_intent_id"])
    shop.payment_when(payment["id"], "paid")
    return {*planted, *every_value(shop), shop.endpoints["stripe_secret_key"]} - {""}


def test_no_secret_is_in_a_variable_a_template_a_log_a_table_a_queue_or_a_file(
    cloud: LocalCloud, shop: Shop, canaries: set[str]
) -> None:
    assert len(canaries) >= 7
    places = {
        "environment": environments(shop),
        "templates": templates(shop),
        "logs": logs(shop),
        "tables and queues": tables_and_queues(shop),
    }
    found = {
        place: sum(canary in text for canary in canaries) for place, text in places.items()
    } | {
        name: sum(canary.encode() in content for canary in canaries)
        for name, content in files(cloud.directory)
    }
    assert {place: count for place, count in found.items() if count} == {}
    assert any("cdk.out" in name for name in found)


def test_a_planted_canary_would_be_seen(cloud: LocalCloud, canaries: set[str]) -> None:
    (cloud.directory / "planted.txt").write_text(next(iter(canaries)))
    try:
        seen = [
            n for n, text in files(cloud.directory) if any(c.encode() in text for c in canaries)
        ]
    finally:
        (cloud.directory / "planted.txt").unlink()
    assert seen == ["planted.txt"]
