"""run_operation as Lambda calls it: real SQS records, real conditions (moto), a stub of Stripe."""

import json
from collections.abc import Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import payment_item
from paidonce.domain.announcement import announcements_of
from paidonce.domain.operation import STRAY_TOLD, Operation
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.payment_calls import new_call

from tests.a_change import a_domain_event, a_told_row, an_envelope
from tests.adapters.canned import STRIPE_NOW, Canned, CannedServer, canned_server
from tests.examples import STAGE, a_payment, an_intent
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
KEYS = {
    "PAYMENTS_KEY_ARN": "paidonce/test/stripe/keys/payments",
    "REFUNDS_KEY_ARN": "paidonce/test/stripe/keys/refunds",
}
ENVIRONMENT = (
    environment_of("run_operation")
    | {
        "SECRET_CACHE_SECONDS": "300",
        "STRIPE_API_VERSION": "2026-10-28.endive",
        "CALL_TIMEOUT_SECONDS": "2",
        "API_BUDGET_PER_SECOND": "60",
        "BREAKER_PROBE_SECONDS": "30",
        "SUBSCRIPTION_POLICY": '{"grace_days": 7, "unpaid": false, "paused": false}',
        "WAIT_DELAYS_SECONDS": "5,15,45",
        "FAILING_DELAYS_SECONDS": "10,30,120,600",
        "TRIES_MAX": "5",
        "LEASE_SECONDS": "360",
        "LEDGER_DAYS": "90",
        "KEY_FRESH_SECONDS": "82800",
        "LOOK_BACK_SECONDS": "300",
        "ABSENT_AFTER_SECONDS": "900",
        "GIVE_UP_AFTER_SECONDS": "86400",
    }
    | {variable: variable.lower() for variable in TABLES}
)
INTENT = an_intent() | {"client_secret": "pi_1_sec" + "ret_x", "created": STRIPE_NOW}


class Runner:
    """One stage in moto's AWS, before a canned Stripe."""

    def __init__(self, stripe: CannedServer) -> None:
        self.stripe = stripe
        self.dynamodb = boto3.resource("dynamodb")
        self.sqs = boto3.client("sqs")

    @cached_property
    def handler(self) -> ModuleType:
        """Started by the test: its log goes where capsys looks."""
        return cold_start("run_operation")

    def takes(self, *records: dict[str, Any], remaining_ms: int = 60_000) -> list[str]:
        context = Context("run_operation", remaining_ms=remaining_ms)
        return comes_again(self.handler.handle({"Records": list(records)}, context))

    def put(self, **changes: Any) -> None:
        item = payment_item(a_payment(**changes))
        boto3.client("dynamodb").put_item(TableName="payments_table", Item=item)

    def payment(self) -> dict[str, Any]:
        return dict(self.dynamodb.Table("payments_table").get_item(Key={"id": "pay_1"})["Item"])

    def row(self, key: str) -> dict[str, Any]:
        found = self.dynamodb.Table("events_table").get_item(Key={"event_id": f"answer#{key}"})
        return dict(found["Item"])

    def waiting(self, queue: str = "operations") -> int:
        """Messages in a queue, the delayed ones included."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        delayed = int(found["ApproximateNumberOfMessagesDelayed"])
        return int(found["ApproximateNumberOfMessages"]) + delayed


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    with mock_aws(), canned_server() as stripe:
        set_environment(monkeypatch, ENVIRONMENT | KEYS | {"STRIPE_API_URL": stripe.url})
        sqs = boto3.client("sqs")
        for variable, name in (
            ("OPERATIONS_QUEUE_URL", "operations"),
            ("OPERATIONS_DEAD_LETTER_QUEUE_URL", "dead"),
        ):
            monkeypatch.setenv(variable, sqs.create_queue(QueueName=name)["QueueUrl"])
        for variable, key in TABLES.items():
            make_table(ENVIRONMENT[variable], key)
        for name in KEYS.values():
            boto3.client("secretsmanager").create_secret(
                Name=name, SecretString=json.dumps({"key": "rk_" + "test_x", "created": "now"})
            )
        yield Runner(stripe)


def record(operation: Operation | str, *, receive_count: int = 1) -> dict[str, Any]:
    """A message about this operation, or with this body."""
    return a_record(
        operation if isinstance(operation, str) else operation.message(),
        queue="operations",
        receive_count=receive_count,
        correlation_id="cor-1",
        event_type="operation",
        received_at="2026-09-21T13:33:30.000Z",
    )


CREATE = Operation(aggregate_id="pay_1", call="pay_1_a1")
CAPTURE = Operation(aggregate_id="pay_1", call="pay_1_capture_1")


def test_a_creation_is_ended_and_its_copy_asks_nobody(runner: Runner) -> None:
    runner.put()
    runner.stripe.answers = [Canned(body=INTENT)]
    for _ in range(2):
        assert runner.takes(record(CREATE)) == []
    (asked,) = runner.stripe.asked
    assert (asked.method, asked.path) == ("POST", "/v1/payment_intents")
    assert asked.headers["idempotency-key"] == "pay_1_a1"
    assert runner.payment()["payment_intent_id"] == "pi_1"
    assert runner.payment()["last_tried_at"] > 0
    row = runner.row("pay_1_a1")
    assert (row["outcome"], row["correlation_id"]) == ("applied", "cor-1")


@pytest.mark.parametrize("told_by", ["the queue", "the bus"])
def test_each_line_about_an_operation_has_its_correlation_id(
    runner: Runner, capsys: pytest.CaptureFixture[str], told_by: str
) -> None:
    """A domain event that the bus has sent itself has it in its body, and no attributes."""
    runner.put(payment_intent_id="pi_1")
    runner.stripe.answers = [Canned(body=an_intent("canceled", id="pi_2"))]
    if told_by == "the bus":
        event = a_domain_event(STRAY_TOLD, id=f"pay_1.3.{STRAY_TOLD}.pi_2")
        (told,) = announcements_of(a_told_row(event), STAGE)
        message = record(an_envelope(told)) | {"messageAttributes": {}}
    else:
        message = record(Operation(aggregate_id="pay_1", cancel_intent="pi_2"))
    assert runner.takes(message) == []
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = {line["message"]: line for line in written if "_aws" not in line}
    assert {line["correlation_id"] for line in lines.values()} == {"cor-1"}
    assert lines["stripe call"]["path"] == "/v1/payment_intents/{id}/cancel"
    assert "operation ended" in lines


def test_a_capture_is_ended_from_the_row(runner: Runner) -> None:
    payment = a_payment(status=PaymentStatus.AUTHORIZED, payment_intent_id="pi_1", capture="manual")
    call = new_call(payment, "capture", {"amount_to_capture": 700}, caller_key="k", body_hash="b")
    runner.put(status=payment.status, payment_intent_id="pi_1", capture="manual", calls=(call,))
    runner.stripe.answers = [Canned(body=an_intent("succeeded", amount_received=700))]
    assert runner.takes(record(CAPTURE)) == []
    (asked,) = runner.stripe.asked
    assert (asked.path, asked.body) == ("/v1/payment_intents/pi_1/capture", "amount_to_capture=700")
    (stored,) = json.loads(runner.payment()["calls"])
    assert (stored["state"], runner.payment()["status"]) == ("done", "authorized")
    assert runner.row("pay_1_capture_1")["reason"] == "answer_waits_for_event"


def test_what_fails_for_now_waits_as_a_copy(runner: Runner) -> None:
    """A stored failure (`Idempotent-Replayed`) is not asked for again: the key is spent."""
    runner.put()
    error = {"error": {"type": "api_error", "message": "words"}}
    runner.stripe.answers = [Canned(500, error, {"Idempotent-Replayed": "true"})]
    assert runner.takes(record(CREATE)) == []
    assert len(runner.stripe.asked) == 1
    assert runner.payment()["key_is_spent"] is True
    assert runner.row("pay_1_a1")["outcome"] == "waiting"
    assert runner.waiting() == 1

    runner.stripe.answers = [Canned(body={"object": "list", "data": [], "has_more": False})]
    assert runner.takes(record(CREATE)) == []
    assert [asked.method for asked in runner.stripe.asked] == ["POST", "GET"]
    assert "created%5Bgte%5D=" in runner.stripe.asked[1].path
    assert runner.waiting() == 2


def test_too_little_time_gives_it_back(runner: Runner) -> None:
    runner.put()
    assert runner.takes(record(CREATE), remaining_ms=2_000) == []
    assert (runner.waiting(), len(runner.stripe.asked)) == (1, 0)


@pytest.mark.parametrize("body", ["not json", "[]", '{"kind": "operation"}', "[" * 50_000])
def test_a_message_that_is_none_of_ours_comes_again(runner: Runner, body: str) -> None:
    assert runner.takes(record(body)) == ["m1"]


def test_no_log_line_shows_what_an_answer_carries(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    runner.put()
    runner.stripe.answers = [Canned(body=INTENT | {"description": "Anna Planted"})]
    runner.takes(record(CREATE))
    shown = capsys.readouterr().out
    assert "operation ended" in shown
    for secret in (INTENT["client_secret"], "Anna Planted", "rk_" + "test_x"):
        assert secret not in shown
