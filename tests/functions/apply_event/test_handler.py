"""The worker as Lambda calls it: real SQS records, real conditions (moto), no payload in a log."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import payment_item

from tests.examples import NOON, a_declined_intent, a_payload, a_payment, an_intent

TABLES = {"PAYMENTS_TABLE": "id", "EVENTS_TABLE": "event_id", "IDEMPOTENCY_TABLE": "id"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STAGE": "test",
    "LIVEMODE": "false",
    "STRIPE_ACCOUNT": "",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "apply_event",
    "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
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
} | {variable: variable.lower() for variable in TABLES}


@dataclass
class Context:
    """Lambda's context, as far as the worker looks at it."""

    aws_request_id: str = "request-1"
    function_name: str = "apply_event"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:apply_event"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Worker:
    """One stage in moto's AWS."""

    def __init__(self) -> None:
        self.dynamodb = boto3.resource("dynamodb")

    @cached_property
    def handler(self) -> ModuleType:
        """Imported anew, as a cold start does, and by the test: its log goes where capsys looks."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "apply_event"]:
            del sys.modules[name]
        # Powertools keeps a logger by its name, with the standard output of its first use.
        logging.Logger.manager.loggerDict.pop("apply_event", None)
        return importlib.import_module("apply_event.handler")

    def takes(self, *records: dict[str, Any]) -> list[str]:
        answer = self.handler.handle({"Records": list(records)}, Context())
        json.dumps(answer)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

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
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        sqs = boto3.client("sqs")
        queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("events", "dead")}
        monkeypatch.setenv("EVENTS_QUEUE_URL", queues["events"])
        monkeypatch.setenv("OPERATIONS_QUEUE_URL", queues["dead"])
        monkeypatch.setenv("EVENTS_DEAD_LETTER_QUEUE_URL", queues["dead"])
        for variable, key in TABLES.items():
            boto3.client("dynamodb").create_table(
                TableName=ENVIRONMENT[variable],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
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
    """An SQS record as an event source mapping gives it."""
    event_id = payload["id"] if isinstance(payload, dict) else "evt_1"
    attributes = {
        "event_id": event_id,
        "event_type": "payment_intent.succeeded",
        "livemode": "false",
        "api_version": "2026-10-28.endive",
        "correlation_id": "cor-1",
        "received_at": "2026-09-21T13:33:30.000Z",
    }
    return {
        "messageId": message_id,
        "receiptHandle": f"handle-{message_id}",
        "body": payload if isinstance(payload, str) else json.dumps(payload),
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": "1790000000000",
            "SenderId": "AROA:paidonce-test-receive-webhook",
            "ApproximateFirstReceiveTimestamp": "1790000000001",
        },
        "messageAttributes": {
            name: {
                "stringValue": value,
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
            for name, value in attributes.items()
        },
        "md5OfBody": "0",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:events",
        "awsRegion": "us-east-1",
    }


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
