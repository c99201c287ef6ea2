"""rotate_secret, retire_endpoints, reconcile as AWS calls them: moto, and the stand-in Stripe."""

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws
from paidonce.adapters.items import ledger_item

from local.stripe.application import Settings
from local.stripe.identifiers import random_letters
from local.stripe.server import running
from tests.a_change import a_told_row
from tests.adapters.canned import Canned, CannedServer, canned_server
from tests.adapters.places import make_ledger, make_state
from tests.functions.as_lambda import (
    ACCOUNT,
    EVERYWHERE,
    REGION,
    Context,
    cold_start,
    set_environment,
)

FUNCTIONS = ("rotate_secret", "retire_endpoints", "reconcile")
ENVIRONMENT = EVERYWHERE | {
    "SECRET_CACHE_SECONDS": "300",
    "STRIPE_API_VERSION": "2026-10-28.endive",
    "CALL_TIMEOUT_SECONDS": "5",
    "RETIRE_AFTER_SECONDS": "1",
    "LATE_AFTER_SECONDS": "86400",
    "OVERDUE_AFTER_SECONDS": "3024000",
    "PAYMENTS_TABLE": "payments_table",
    "LEDGER_DAYS": "90",
    "EVENT_BUS": "changes",
    "DUE_AFTER_SECONDS": "300",
    "RECONCILE_BUDGET_PER_SECOND": "100",
    "BREAKER_PROBE_SECONDS": "30",
    "PAGES_MAX": "50",
    "STRIPE_ACCOUNT": "",
    "ADOPT": "false",
    "MISSING_AFTER_SECONDS": "900",
    "ALL_EVERY_SECONDS": "604800",
    "STALE_AFTER_SECONDS": "3600",
    "STALE_ROWS_MAX": "10",
    "UNPAID_MAX_SECONDS": "259200",
    "PROCESSING_MAX_SECONDS": "864000",
    "OPEN_PAYMENTS_MAX": "10",
    "COMPARE_WINDOW_SECONDS": "3600",
    "COMPARE_BACK_SECONDS": "86400",
    "SETTLE_SECONDS": "1",
    "PROBE_BUDGET_PER_SECOND": "5",
    "KEY_AGE_MAX_DAYS": "90",
}
PARTS = [
    "retirement",
    "recent events",
    "domain events",
    "stale rows",
    "open payments",
    "dead rows",
    "endpoints",
    "drift",
    "all events",
]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ONE, TWO = "1" * 32, "2" * 32
PLACEHOLDER = json.dumps({"based_on": None, "endpoints": []})


@dataclass
class Rotating:
    """One stage in moto's AWS, its account at the stand-in, and a canned public URL."""

    door: CannedServer
    signing: str
    stripe: httpx.Client

    def step(self, step: str, token: str, **context: Any) -> None:
        event = {"Step": step, "SecretId": self.signing, "ClientRequestToken": token}
        handler = cold_start("rotate_secret")
        handler.handle(event, Context("rotate_secret", **context))

    def rotate(self, token: str) -> None:
        """What RotateSecret does."""
        self.pending(token)
        for step in STEPS:
            self.step(step, token)

    def pending(self, token: str) -> None:
        """A version without a value under AWSPENDING, which moto cannot make otherwise."""
        boto3.client("secretsmanager").put_secret_value(
            SecretId=self.signing,
            ClientRequestToken=token,
            SecretString="to be filled",
            VersionStages=["AWSPENDING"],
        )
        from moto.secretsmanager.models import secretsmanager_backends  # noqa: PLC0415 - where it is used

        backend = secretsmanager_backends[ACCOUNT][REGION]
        del backend.secrets[self.signing].versions[token]["secret_string"]

    def labels(self) -> dict[str, str]:
        found = boto3.client("secretsmanager").describe_secret(SecretId=self.signing)
        return {
            label: version
            for version, labels in found["VersionIdsToStages"].items()
            for label in labels
        }

    @property
    def document(self) -> dict[str, Any]:
        # moto's default is the version that was put last, wherever AWSCURRENT is.
        found = boto3.client("secretsmanager").get_secret_value(
            SecretId=self.signing, VersionStage="AWSCURRENT"
        )
        document: dict[str, Any] = json.loads(found["SecretString"])
        return document

    def at_stripe(self) -> set[str]:
        found = self.stripe.get("/v1/webhook_endpoints").raise_for_status().json()["data"]
        return {one["id"] for one in found}

    def queued(self) -> list[str]:
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName="events")["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"])["id"] for message in found]

    def call(self, function: str) -> dict[str, Any]:
        """One call of its schedule."""
        answer: dict[str, Any] = cold_start(function).handle({}, Context(function))
        return answer

    def make_old(self) -> None:
        """Let the overlap of every endpoint be over."""
        document = self.document
        for one in document["endpoints"][1:]:
            past = datetime.now(UTC) - timedelta(hours=1)
            one["retire_after"] = past.isoformat()
        secrets, current = boto3.client("secretsmanager"), self.labels()["AWSCURRENT"]
        new = secrets.put_secret_value(
            SecretId=self.signing, SecretString=json.dumps(document), VersionStages=["OLDER"]
        )["VersionId"]
        secrets.update_secret_version_stage(
            SecretId=self.signing,
            VersionStage="AWSCURRENT",
            MoveToVersionId=new,
            RemoveFromVersionId=current,
        )
        secrets.update_secret_version_stage(
            SecretId=self.signing, VersionStage="OLDER", RemoveFromVersionId=new
        )


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Settings()) as started:
        yield started


@pytest.fixture
def stage(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotating]:
    set_environment(monkeypatch, ENVIRONMENT)
    key = "sk_" + "test_" + random_letters(24)
    headers = {"Authorization": f"Bearer {key}"}
    with (
        mock_aws(),
        canned_server() as door,
        httpx.Client(base_url=address, headers=headers) as stripe,
    ):
        door.answers = [Canned(200)]
        secrets = boto3.client("secretsmanager")
        signing = secrets.create_secret(Name="signing", SecretString=PLACEHOLDER)["ARN"]
        stripe_key = secrets.create_secret(Name="key", SecretString=json.dumps({"key": key}))["ARN"]
        make_state(boto3.client("dynamodb"), "payments_table")
        make_ledger(boto3.client("dynamodb"), "events_table")
        boto3.client("events").create_event_bus(Name="changes")
        queue = boto3.client("sqs").create_queue(QueueName="events")["QueueUrl"]
        for name, value in {
            "SIGNING_SECRET_ARN": signing,
            "ENDPOINTS_KEY_ARN": stripe_key,
            "READER_KEY_ARN": stripe_key,
            "PAYMENTS_KEY_ARN": f"{stripe_key}-payments",
            "REFUNDS_KEY_ARN": f"{stripe_key}-refunds",
            "STRIPE_API_URL": address,
            "WEBHOOK_URL": f"{door.url}/webhooks/stripe",
            "EVENTS_QUEUE_URL": queue,
            "OPERATIONS_QUEUE_URL": queue,
            "EVENTS_TABLE": "events_table",
        }.items():
            monkeypatch.setenv(name, value)
        yield Rotating(door, signing, stripe)


def test_two_rotations_then_the_first_endpoint_is_swept_and_retired(
    stage: Rotating, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an event in between that never reached us: it is queued before its endpoint goes."""
    stage.rotate(ONE)
    assert stage.labels()["AWSCURRENT"] == ONE
    assert "AWSPENDING" not in stage.labels()
    stage.stripe.post(
        "/v1/payment_intents",
        data={"amount": 1000, "currency": "usd"},
        headers={"Idempotency-Key": "one"},
    ).raise_for_status()
    stage.rotate(TWO)
    new, old = stage.document["endpoints"]
    assert stage.at_stripe() == {new["id"], old["id"]}
    stage.make_old()
    assert stage.call("retire_endpoints") == {"retired": []}
    assert stage.call("reconcile") == {"done": PARTS}
    (event,) = stage.stripe.get("/v1/events").json()["data"]
    assert stage.queued() == [event["id"]]
    assert stage.call("retire_endpoints") == {"retired": [old["id"]]}
    assert [one["id"] for one in stage.document["endpoints"]] == [new["id"]]
    assert stage.at_stripe() == {new["id"]}
    assert set(stage.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}
    said = capsys.readouterr()
    assert "webhook endpoint retired" in said.out
    for one in (new, old):
        assert one["secret"] not in said.out + said.err
    assert stage.call("reconcile") == {"done": PARTS}


def test_reconcile_tells_the_bus_what_is_due_though_its_sweep_fails(
    stage: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither holds up the other; the run fails all the same, by the class of what went wrong."""
    dynamodb, ledger = boto3.client("dynamodb"), os.environ["EVENTS_TABLE"]

    def is_told(event_id: str) -> bool:
        found = dynamodb.get_item(TableName=ledger, Key={"event_id": {"S": event_id}})
        return "todo" not in found["Item"]

    for event_id, table in (("evt_1", os.environ["PAYMENTS_TABLE"]), ("evt_2", "gone")):
        item = ledger_item(a_told_row(event_id=event_id), ledger_days=90)
        dynamodb.put_item(TableName=ledger, Item=item)
        assert not is_told(event_id)
        monkeypatch.setenv("PAYMENTS_TABLE", table)
        with (
            nullcontext()
            if event_id == "evt_1"
            else pytest.raises(Exception, match="ResourceNotFound")
        ):
            stage.call("reconcile")
        assert is_told(event_id)


def test_every_part_of_reconcile_runs_on_a_stage_that_has_just_begun(stage: Rotating) -> None:
    assert stage.call("reconcile") == {"done": PARTS}
    assert stage.queued() == []


def test_a_refusal_reaches_secrets_manager_as_a_sentence_and_the_metric(
    stage: Rotating, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception, match=r"^createSecret: the rotation of signing was called off"):
        stage.step("createSecret", ONE)
    said = capsys.readouterr().out
    assert '"RotationFailed":[1.0]' in said.replace(" ", "")
    assert '"why":"the rotation of signing was called off: start a new one"' in said


def test_a_failure_tells_its_class_and_nothing_else(
    stage: Rotating, capsys: pytest.CaptureFixture[str]
) -> None:
    """Secrets Manager asks again; Lambda logs what leaves the function."""
    stage.door.answers = [Canned(500)]
    stage.pending(ONE)
    stage.step("createSecret", ONE)
    with pytest.raises(Exception, match=r"^testSecret: TryAgain$") as raised:
        stage.step("testSecret", ONE, remaining_ms=6000)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    pending = boto3.client("secretsmanager").get_secret_value(
        SecretId=stage.signing, VersionStage="AWSPENDING"
    )
    secret = json.loads(pending["SecretString"])["endpoints"][0]["secret"]
    said = capsys.readouterr()
    assert secret not in said.out + said.err
    assert '"RotationFailed":[1.0]' in said.out.replace(" ", "")


@pytest.mark.usefixtures("stage")
def test_a_secret_that_is_not_ours_is_refused() -> None:
    handler = cold_start("rotate_secret")
    event = {"Step": "createSecret", "SecretId": "another", "ClientRequestToken": ONE}
    with pytest.raises(handler.RotationFailed, match="does not rotate another"):
        handler.handle(event, Context("rotate_secret"))


@pytest.mark.parametrize(
    ("function", "error"),
    [("retire_endpoints", "RetirementFailed"), ("reconcile", "ReconciliationFailed")],
)
def test_a_run_that_fails_is_an_error_of_the_function_without_its_text(
    stage: Rotating, monkeypatch: pytest.MonkeyPatch, function: str, error: str
) -> None:
    """So that its alarm sees it; the schedule goes on."""
    monkeypatch.setenv("PAYMENTS_TABLE", "not-there")
    boto3.client("secretsmanager").put_secret_value(SecretId=stage.signing, SecretString="{}")
    handler = cold_start(function)
    with pytest.raises(
        getattr(handler, error), match=r"^(RotationRefused$|retirement: ResourceNotFound\w+,)"
    ):
        handler.handle({}, Context(function))
