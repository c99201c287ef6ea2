"""The worker as Lambda calls it: real SQS records, real conditions (moto), no payload in a log."""

import json
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import payment_item

from tests.examples import NOON, a_declined_intent, a_payload, a_payment, an_intent
from tests.functions.as_lambda import (
    Context,
    a_record,
    cold_start,
    comes_again,
    environment_of,
    make_table,
    set_environment,
)

TABLES = {"PAYMENTS_TABLE": "id", "EVENTS_TABLE": "event_id", "IDEMPOTENCY_TABLE": "id"}
ENVIRONMENT = (
    environment_of("apply_event")
    | {
        "STRIPE_ACCOUNT": "",
        "READER_KEY_ARN": "paidonce/test/stripe/keys/reader",
        "SECRET_CACHE_SECONDS": "300",
        "STRIPE_API_URL": "http://127.0.0.1:9",  # the discard port: nobody answers
        "STRIPE_API_VERSION": "2026-10-28.endive",
        "WAIT_DELAYS_SECONDS": "5,15,45",
        "NOT_YET_KNOWN_MAX_SECONDS": "900",
        "TRY_AGAIN_MAX_SECONDS": "86400",
        "FAILING_DELAYS_SECONDS": "10,30,120,600",
        "TRIES_MAX": "5",
        "LEASE_SECONDS": "360",
        "LEDGER_DAYS": "90",
        "FOREIGN_POINTER_DAYS": "30",
        "FETCH_TIMEOUT_SECONDS": "1",
        "BREAKER_PROBE_SECONDS": "30",
        "SUBSCRIPTION_POLICY": '{"grace_days": 7, "unpaid": false, "paused": false}',
        "ADOPT": "false",
        "WORKER_BUDGET_PER_SECOND": "20",
    }
    | {variable: variable.lower() for variable in TABLES}
)


class Worker:
    """One stage in moto's AWS."""

    def __init__(self) -> None:
        self.dynamodb = boto3.resource("dynamodb")

    @cached_property
    def handler(self) -> ModuleType:
        """Started by the test: its log goes where capsys looks."""
        return cold_start("apply_event")

    def takes(self, *records: dict[str, Any]) -> list[str]:
        context = Context("apply_event", remaining_ms=60_000)
        return comes_again(self.handler.handle({"Records": list(records)}, context))

    def row(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.dynamodb.Table("events_table").get_item(
            Key={"event_id": event_id}
        )["Item"]
        return found

    def payment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.dynamodb.Table("payments_table").get_item(Key={"id": "pay_1"})[
            "Item"
        ]
        return found


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    with mock_aws():
        set_environment(monkeypatch, ENVIRONMENT)
        sqs = boto3.client("sqs")
        queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("events", "dead")}
        monkeypatch.setenv("EVENTS_QUEUE_URL", queues["events"])
        monkeypatch.setenv("OPERATIONS_QUEUE_URL", queues["dead"])
        monkeypatch.setenv("EVENTS_DEAD_LETTER_QUEUE_URL", queues["dead"])
        for variable, key in TABLES.items():
            make_table(ENVIRONMENT[variable], key)
        boto3.client("secretsmanager").create_secret(
            Name=ENVIRONMENT["READER_KEY_ARN"], SecretString='{"key": "", "created": null}'
        )
        boto3.client("dynamodb").put_item(
            TableName="payments_table", Item=payment_item(a_payment())
        )
        yield Worker()


def record(
    payload: dict[str, Any] | str, *, receive_count: int = 1, message_id: str = "m1"
) -> dict[str, Any]:
    """A message of the receiver about this event, or with this body."""
    event_id = payload["id"] if isinstance(payload, dict) else "evt_1"
    return a_record(
        payload if isinstance(payload, str) else json.dumps(payload),
        queue="events",
        receive_count=receive_count,
        message_id=message_id,
        event_id=event_id,
        event_type="payment_intent.succeeded",
        livemode="false",
        api_version="2026-10-28.endive",
        correlation_id="cor-1",
        received_at="2026-09-21T13:33:30.000Z",
    )


def test_an_event_is_applied_and_its_copies_are_not(worker: Worker) -> None:
    for message_id in ("m1", "m2"):
        assert worker.takes(record(a_payload(), message_id=message_id)) == []
    assert worker.payment()["status"] == "paid"
    assert worker.payment()["version"] == 2
    row = worker.row("evt_1")
    assert (row["outcome"], row["correlation_id"]) == ("applied", "cor-1")


def test_a_batch_with_copies_and_a_stranger_commits_as_one(worker: Worker) -> None:
    batch = [
        record(a_payload("payment_intent.created", an_intent(), "evt_0"), message_id="m0"),
        record(a_payload(), message_id="m1"),
        record(a_payload(), message_id="m2"),
        record(a_payload("payout.paid", {"id": "po_1"}, "evt_2"), message_id="m3"),
    ]
    assert worker.takes(*batch) == []
    assert worker.payment()["version"] == 3
    assert [worker.row(i)["outcome"] for i in ("evt_0", "evt_1", "evt_2")] == [
        "applied",
        "applied",
        "ignored",
    ]


def test_what_needs_stripe_waits_while_the_key_is_a_placeholder(worker: Worker) -> None:
    worker.takes(record(a_payload("payment_intent.processing", an_intent("processing"), "evt_0")))
    undecided = a_payload("payment_intent.payment_failed", a_declined_intent(), "evt_1", NOON)
    assert worker.takes(record(undecided)) == []
    row = worker.row("evt_1")
    assert (row["outcome"], row["reason"]) == ("waiting", "not_configured")
    assert worker.payment()["status"] == "processing"


def test_an_id_alone_is_fetched(worker: Worker) -> None:
    assert worker.takes(record('{"kind": "event", "schema": 1, "id": "evt_9"}')) == []
    assert worker.row("evt_9")["outcome"] == "waiting"


def test_a_reading_has_its_own_row(worker: Worker) -> None:
    """The key is a placeholder here, so it waits: under the second in which it was asked for."""
    body = '{"kind": "read", "schema": 1, "object": "pi_1", "as_of": 1790000007}'
    assert worker.takes(record(body)) == []
    assert worker.row("read#pi_1#1790000007")["reason"] == "not_configured"
    assert worker.takes(record('{"kind": "read", "object": "pi_1"}')) == []
    assert worker.row("read#pi_1#1790000000")["outcome"] == "waiting"


@pytest.mark.parametrize(
    "body",
    ["not json", "[]", "{}", '{"kind": "event"}', '{"kind": "read", "object": 1}', "[" * 50_000],
)
def test_a_message_that_is_none_of_ours_comes_again(worker: Worker, body: str) -> None:
    assert worker.takes(record(body)) == ["m1"]


def test_no_log_line_shows_what_a_payload_carries(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = ["anna@example.com", "Anna Planted", "4242424242424242", "pi_1_secret_planted"]
    intent = an_intent("succeeded", receipt_email=planted[0], description=planted[1])
    intent |= {"client_secret": planted[3], "note": planted[2]}
    worker.takes(record(a_payload(found=intent)))
    worker.takes(record(a_payload(found=intent | {"status": planted[1]}, event_id="evt_2")))
    worker.takes(record(json.dumps(intent)))
    shown = capsys.readouterr().out
    assert "event decided" in shown
    assert "event failed" in shown
    for secret in planted:
        assert secret not in shown
