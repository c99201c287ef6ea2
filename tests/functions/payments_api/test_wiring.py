"""The function as Lambda loads it: real adapters on an in-process AWS and a stub of Stripe."""

import json
import logging
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import boto3
import pytest
from moto import mock_aws

from tests.functions.as_lambda import (
    cold_start,
    environment_of,
    forget,
    make_table,
    set_environment,
)
from tests.functions.payments_api.a_browser import SERVER, Browser, Context

KEY_NAME = "paidonce/test/stripe/keys/payments"
PLACEHOLDER = {"key": "", "created": None}
A_KEY = {"key": "rk_" + "test_of_the_wiring_test", "created": "2026-11-22"}


class StripeStub(BaseHTTPRequestHandler):
    """Makes a payment intent of whatever is asked, and remembers the requests."""

    asked: list[tuple[str, dict[str, list[str]]]]

    def do_POST(self) -> None:
        """Answer as POST /v1/payment_intents does."""
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        self.asked.append((self.headers["Idempotency-Key"], form))
        marks = {
            name.removeprefix("metadata[").removesuffix("]"): values[0]
            for name, values in form.items()
            if name.startswith("metadata[")
        }
        self._answer(
            {
                "id": "pi_stub",
                "object": "payment_intent",
                "amount": int(form["amount"][0]),
                "currency": form["currency"][0],
                "status": "requires_payment_method",
                "client_secret": "pi_stub_secret_stub",
                "metadata": marks,
            }
        )

    def do_GET(self) -> None:
        """Answer as GET /v1/payment_intents/{id} does."""
        self._answer(
            {
                "id": "pi_stub",
                "status": "requires_payment_method",
                "client_secret": "pi_stub_secret_stub",
            }
        )

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Date", formatdate(usegmt=True))
        self.send_header("Request-Id", "req_stub")
        self.end_headers()
        self.wfile.write(body)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the server's own Date header."""
        self.send_response_only(code, message)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def stripe() -> Iterator[tuple[str, list[Any]]]:
    """The stub's address and what it was asked."""
    handler = type("Stub", (StripeStub,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch, stripe: tuple[str, list[Any]]) -> Iterator[Any]:
    """The handler's module, loaded anew with a stage's environment; its key is a placeholder."""
    set_environment(
        monkeypatch, environment_of("payments_api") | {"AWS_DEFAULT_REGION": "eu-central-1"}
    )
    with mock_aws():
        for table, key in (("payments", "id"), ("events", "event_id"), ("answers", "id")):
            make_table(table, key)
        secret = boto3.client("secretsmanager").create_secret(
            Name=KEY_NAME, SecretString=json.dumps(PLACEHOLDER)
        )
        own = {
            "PAYMENTS_TABLE": "payments",
            "EVENTS_TABLE": "events",
            "PAYMENTS_KEY_ARN": secret["ARN"],
            "SECRET_CACHE_SECONDS": "0",
            "STRIPE_API_URL": stripe[0],
            "STRIPE_API_VERSION": "2026-10-28.endive",
            "PUBLISHABLE_KEY": "pk_" + "test_of_the_wiring_test",
            "USER_CLAIM": "sub",
            "SCOPE_PREFIX": "paidonce-test/",
            "REQUEST_DEADLINE_SECONDS": "22",
            "CALL_TIMEOUT_SECONDS": "8",
            "API_BUDGET_PER_SECOND": "60",
            "SHOPPER_PAYMENTS_PER_MINUTE": "10",
            "LEDGER_DAYS": "90",
            "OPERATIONS_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/operations",
            "KEY_FRESH_SECONDS": "82800",
            "IDEMPOTENCY_TABLE": "answers",
            "ANSWERS_KEPT_SECONDS": "86400",
            "BREAKER_PROBE_SECONDS": "30",
            "SUBSCRIPTION_POLICY": '{"grace_days": 7, "unpaid": false, "paused": false}',
            "CATALOGUE_MEMORY_SECONDS": "10",
            "CATALOGUE_SHARED_SECONDS": "3600",
            "CATALOGUE_UNKNOWN_SECONDS": "30",
            "CATALOGUE_CLAIM_SECONDS": "10",
        }
        set_environment(monkeypatch, own)
        yield cold_start("payments_api")
        forget("payments_api")


@pytest.fixture
def log(handler: Any) -> StringIO:
    """What the function logs, instead of on the standard output."""
    stream = StringIO()
    for output in logging.getLogger(handler.wiring.telemetry._service).handlers:
        if isinstance(output, logging.StreamHandler):
            output.setStream(stream)
    return stream


def items(table: str) -> dict[str, dict[str, Any]]:
    found = boto3.resource("dynamodb").Table(table).scan()["Items"]
    return {str(item.get("id", item.get("event_id"))): dict(item) for item in found}


def post(handler: Any, **more: Any) -> dict[str, Any]:
    event = Browser(scopes=SERVER, **more).event(
        "POST",
        "/payments",
        body={"order_id": "order-1", "amount_minor": 1999, "currency": "usd"},
        headers={"idempotency-key": "key-1"},
    )
    answer: dict[str, Any] = handler.handle(event, Context())
    return answer


def test_a_payment_is_taken_with_the_key_that_was_put_in(
    handler: Any, stripe: tuple[str, list[Any]], log: StringIO
) -> None:
    """Before: 503, nothing recorded, nobody called, the secret's name logged once."""
    for _ in range(2):
        refused = post(handler)
        assert refused["statusCode"] == 503
        assert json.loads(refused["body"])["error"]["code"] == "not_configured"
    assert items("payments") == items("events") == {}
    assert stripe[1] == []
    assert log.getvalue().count(KEY_NAME) == 1

    boto3.client("secretsmanager").put_secret_value(
        SecretId=KEY_NAME, SecretString=json.dumps(A_KEY)
    )
    taken = post(handler)
    assert taken["statusCode"] == 201, taken
    body = json.loads(taken["body"])
    assert body["client_secret"] == "pi_stub_secret_stub"
    again = post(handler)
    assert again["statusCode"] == 201
    assert again["headers"]["Idempotent-Replayed"] == "true"

    payment_id = body["payment"]["id"]
    ((key, form),) = stripe[1]
    assert key == f"{payment_id}_a1"
    assert form["automatic_payment_methods[enabled]"] == ["true"]
    assert form["metadata[paidonce_payment]"] == [payment_id]
    rows = items("payments")
    assert {payment_id, "pi_stub", "order#user-1#order-1"} <= set(rows)
    assert rows["pi_stub"]["aggregate_id"] == payment_id
    assert set(items("events")) == {f"answer#{payment_id}_a1"}

    everything = f"{rows} {items('events')} {items('answers')} {log.getvalue()}"
    assert "secret_stub" not in everything
    assert A_KEY["key"] not in everything
    assert "JKJaXmPLvHcESHA=" in everything


def test_the_public_routes_ask_nobody(handler: Any, stripe: tuple[str, list[Any]]) -> None:
    browser = Browser(scopes=None)
    config = handler.handle(browser.event("GET", "/config"), Context())
    assert json.loads(config["body"])["stage"] == "test"
    document = handler.handle(browser.event("GET", "/openapi.json"), Context())
    assert json.loads(document["body"])["info"]["title"] == "Paid Once"
    assert stripe[1] == []
