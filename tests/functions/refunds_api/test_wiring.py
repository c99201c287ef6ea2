"""The function as Lambda loads it: real adapters on an in-process AWS and a stub of Stripe."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters import items
from paidonce.use_cases.ports import Pointer

from tests.functions.as_lambda import (
    cold_start,
    environment_of,
    forget,
    make_table,
    set_environment,
)
from tests.functions.payments_api.a_browser import Browser, Context
from tests.functions.payments_api.test_wiring import StripeStub
from tests.functions.refunds_api.a_counter import SERVER
from tests.use_cases.a_refund_desk import a_paid_payment

KEY_NAME = "paidonce/test/stripe/keys/refunds"
A_KEY = {"key": "rk_" + "test_of_the_refunds_test", "created": "2026-11-22"}
BODY = {"payment_id": "pay_1", "amount_minor": 400}


class RefundsStub(StripeStub):
    """Refunds whatever is asked, refuses or is away, and remembers the requests."""

    refuses: list[tuple[int, str]]

    def do_POST(self) -> None:  # noqa: N802 - http.server's own name
        """Answer as POST /v1/refunds does."""
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        self.asked.append((self.headers["Idempotency-Key"], form))
        if self.refuses:
            status, code = self.refuses.pop(0)
            self._status = status
            self._answer({"error": {"type": "invalid_request_error", "code": code}})
            return
        marks = {
            name.removeprefix("metadata[").removesuffix("]"): values[0]
            for name, values in form.items()
            if name.startswith("metadata[")
        }
        self._answer(
            {
                "id": "re_stub",
                "object": "refund",
                "amount": int(form["amount"][0]),
                "charge": form["charge"][0],
                "status": "succeeded",
                "reason": None,
                "metadata": marks,
            }
        )

    _status = 200

    def send_response(self, code: int, message: str | None = None) -> None:
        """With the status that is wanted."""
        self.send_response_only(code if code != 200 else self._status, message)


@pytest.fixture
def stripe() -> Iterator[tuple[str, type[RefundsStub]]]:
    """The stub's address, and the stub."""
    stub = type("Stub", (RefundsStub,), {"asked": [], "refuses": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), stub)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", stub
    server.shutdown()
    server.server_close()
    thread.join()


def tables() -> None:
    for table, key in (("payments", "id"), ("events", "event_id"), ("idempotency", "id")):
        make_table(table, key)
    dynamodb = boto3.client("dynamodb")
    dynamodb.put_item(TableName="payments", Item=items.payment_item(a_paid_payment()))
    for pointer_id in ("pi_1", "ch_1"):
        pointer = items.pointer_item(Pointer(id=pointer_id, aggregate_id="pay_1"))
        dynamodb.put_item(TableName="payments", Item=pointer)


@pytest.fixture
def handler(
    monkeypatch: pytest.MonkeyPatch, stripe: tuple[str, type[RefundsStub]]
) -> Iterator[Any]:
    """The handler's module, loaded anew with a stage's environment, and a payment that is paid."""
    set_environment(
        monkeypatch, environment_of("refunds_api") | {"AWS_DEFAULT_REGION": "eu-central-1"}
    )
    with mock_aws():
        tables()
        secret = boto3.client("secretsmanager").create_secret(
            Name=KEY_NAME, SecretString=json.dumps(A_KEY)
        )
        queue = boto3.client("sqs").create_queue(QueueName="operations")
        own = {
            "PAYMENTS_TABLE": "payments",
            "EVENTS_TABLE": "events",
            "IDEMPOTENCY_TABLE": "idempotency",
            "ANSWERS_KEPT_SECONDS": "86400",
            "LEDGER_DAYS": "90",
            "OPERATIONS_QUEUE_URL": queue["QueueUrl"],
            "KEY_FRESH_SECONDS": "82800",
            "REFUNDS_KEY_ARN": secret["ARN"],
            "SECRET_CACHE_SECONDS": "0",
            "STRIPE_API_URL": stripe[0],
            "STRIPE_API_VERSION": "2026-10-28.endive",
            "USER_CLAIM": "sub",
            "SCOPE_PREFIX": "paidonce-test/",
            # Two tries and a second: enough for what never ends well.
            "REQUEST_DEADLINE_SECONDS": "3",
            "CALL_TIMEOUT_SECONDS": "1",
            "API_BUDGET_PER_SECOND": "60",
            "BREAKER_PROBE_SECONDS": "30",
        }
        set_environment(monkeypatch, own)
        yield cold_start("refunds_api")
        forget("refunds_api")


@pytest.fixture
def log(handler: Any) -> StringIO:
    """What the function logs, instead of on the standard output."""
    stream = StringIO()
    for output in logging.getLogger(handler.wiring.telemetry._service).handlers:
        if isinstance(output, logging.StreamHandler):
            output.setStream(stream)
    return stream


def rows(table: str) -> dict[str, dict[str, Any]]:
    found = boto3.resource("dynamodb").Table(table).scan()["Items"]
    return {str(item.get("id", item.get("event_id"))): dict(item) for item in found}


def asks(handler: Any, method: str = "POST", path: str = "/refunds", **parts: Any) -> Any:
    if method == "POST":
        parts = {"body": BODY, "headers": {"idempotency-key": "key-1"}} | parts
    event = Browser(sub="server", scopes=SERVER).event(method, path, **parts)
    return handler.handle(event, Context())


def test_a_refund_is_made_with_its_own_key(
    handler: Any, stripe: tuple[str, type[RefundsStub]], log: StringIO
) -> None:
    made = asks(handler)
    assert made["statusCode"] == 201, made
    refund = json.loads(made["body"])["refund"]
    ((key, form),) = stripe[1].asked
    assert key == "ch_1_r1"
    assert form["charge"] == ["ch_1"]
    assert form["metadata[paidonce_refund]"] == [refund["id"]]
    state = rows("payments")
    assert state[refund["id"]]["aggregate_id"] == "pay_1"
    assert state["re_stub"]["aggregate_id"] == "pay_1"
    ledger = rows("events")
    assert set(ledger) == {"answer#ch_1_r1"}
    assert ledger["answer#ch_1_r1"]["todo"].startswith("publish#")

    again = asks(handler)
    assert again["statusCode"] == 201
    assert again["headers"]["Idempotent-Replayed"] == "true"
    shown = asks(handler, "GET", f"/refunds/{refund['id']}")
    assert json.loads(shown["body"]) == {"refund": refund}
    assert len(stripe[1].asked) == 1
    assert A_KEY["key"] not in f"{state} {ledger} {log.getvalue()}"


def test_when_stripe_is_away_the_refund_waits_in_the_queue(
    handler: Any, stripe: tuple[str, type[RefundsStub]]
) -> None:
    stripe[1].refuses.extend([(503, "away")] * 4)
    unknown = asks(handler)
    assert unknown["statusCode"] == 202, unknown
    assert {key for key, _ in stripe[1].asked} == {"ch_1_r1"}
    url = handler.wiring.os.environ["OPERATIONS_QUEUE_URL"]
    (message,) = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {
        "kind": "operation",
        "schema": 1,
        "aggregate": "pay_1",
        "call": "ch_1_r1",
    }
    stripe[1].refuses.clear()
    assert asks(handler)["statusCode"] == 201


def test_what_stripe_refuses_leaves_the_amount_free(
    handler: Any, stripe: tuple[str, type[RefundsStub]], capsys: pytest.CaptureFixture[str]
) -> None:
    stripe[1].refuses.append((400, "charge_already_refunded"))
    refused = asks(handler)
    assert refused["statusCode"] == 409
    assert json.loads(refused["body"])["error"]["code"] == "state_conflict"
    # Somebody was faster: nothing that anybody must be woken for.
    metrics = capsys.readouterr().out
    assert '"RefundsRefused":' in metrics
    assert '"InvalidRequest":' not in metrics
    payment = items.read_payment(
        boto3.client("dynamodb").get_item(TableName="payments", Key={"id": {"S": "pay_1"}})["Item"]
    )
    assert payment.refundable_minor == 1000
    assert replace(payment, refunds=()).amount_refunded_minor == 0
    assert asks(handler, headers={"idempotency-key": "key-2"})["statusCode"] == 201


def test_a_key_that_stripe_refuses_blocks_refunds_and_is_mended_by_a_new_one(
    handler: Any, stripe: tuple[str, type[RefundsStub]]
) -> None:
    stripe[1].refuses.extend([(401, "nope")] * 3)
    blocked = asks(handler)
    assert blocked["statusCode"] == 503, blocked
    assert json.loads(blocked["body"])["error"]["code"] == "payments_blocked"
    stripe[1].refuses.clear()
    before = len(stripe[1].asked)
    other = asks(handler, headers={"idempotency-key": "key-2"})
    assert other["statusCode"] == 503
    assert len(stripe[1].asked) == before
    fresh = {"key": "rk_" + "test_of_tomorrow", "created": "2026-11-23"}
    boto3.client("secretsmanager").put_secret_value(
        SecretId=KEY_NAME, SecretString=json.dumps(fresh)
    )
    assert asks(handler)["statusCode"] == 201
