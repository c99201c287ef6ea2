"""Secrets and session addresses are nowhere at rest: every route is run, and everything looked at.

The real functions with all their adapters, the stand-in Stripe, AWS by moto.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import boto3
import httpx
import pytest
import stripe
from moto import mock_aws

from bench.settings import ENVIRONMENT
from local.stripe.application import Settings
from local.stripe.server import running
from local.stripe_settings import key_permissions
from tests.functions.as_lambda import (
    EVERYWHERE,
    cold_start,
    forget,
    make_table,
    set_environment,
)
from tests.functions.payments_api.a_browser import Browser, Context, Reply

SCOPES = " ".join(
    f"{what}:{may}"
    for what in ("payments", "refunds", "customers", "subscriptions")
    for may in ("read", "write", "any", "amount")
)
KEYS = {"PAYMENTS_KEY_ARN": "payments", "REFUNDS_KEY_ARN": "refunds", "READER_KEY_ARN": "reader"}
FUNCTIONS = ("payments_api", "refunds_api", "apply_event")
ACCOUNT = "sk_" + "test_" + "nothingatrest00000000000"
CARD = "4242424242424242"
# What a caller may tell us of a person: it is in rows, and never in a log or a queue.
PERSON = {"email": "canary@example.com", "name": "Canary Person"}
NOTE = "a note of the canary"
CALLERS_KEY = "a key of the canary"
PAGES = {"success_url": "https://shop.example/yes", "cancel_url": "https://shop.example/no"}


@dataclass
class City:
    """One stage of Paid Once, its account at Stripe, and every answer that was given."""

    handlers: dict[str, Any]
    stripe_url: str
    log: StringIO
    stripe_keys: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    routes: set[str] = field(default_factory=set)

    @property
    def stripe(self) -> stripe.StripeClient:
        """The account, as its owner sees it."""
        return stripe.StripeClient(ACCOUNT, base_addresses={"api": self.stripe_url})

    def control(self, path: str, body: dict[str, Any]) -> Any:
        """One of the stand-in's own controls."""
        owner = {"Authorization": f"Bearer {ACCOUNT}"}
        url = f"{self.stripe_url}/_test/{path}"
        return httpx.post(url, json=body, headers=owner).raise_for_status().json()

    def puts_keys(self) -> None:
        """A restricted key in each secret."""
        for variable, name in KEYS.items():
            wanted = {"permissions": key_permissions(name), "livemode": False}
            key = self.control("keys", wanted)["key"]
            self.stripe_keys.append(key)
            boto3.client("secretsmanager").create_secret(
                Name=ENVIRONMENT[variable], SecretString=json.dumps({"key": key, "created": None})
            )

    def asks(self, route: str, body: Any = None, *, key: str, **parts: str) -> Reply:
        """One request; `route` is as the document of the API has it."""
        method, _, path = route.partition(" ")
        self.routes.add(route)
        browser = Browser(scopes=SCOPES)
        headers = {"content-type": "application/json", "idempotency-key": f"{CALLERS_KEY} {key}"}
        event = browser.event(method, path.format(**parts), body=body, headers=headers)
        function = "refunds_api" if path.startswith("/refunds") else "payments_api"
        found = self.handlers[function].handle(event, Context())
        headers = {str(k).lower(): str(v) for k, v in found["headers"].items()}
        reply = Reply(status=found["statusCode"], headers=headers, text=found["body"])
        self.replies.append(reply)
        return reply

    def asks_twice(self, route: str, body: Any = None, *, key: str = "1", **parts: str) -> Any:
        """The answer to a request, which is made twice: the second is told to be a repeat."""
        first, again = (self.asks(route, body, key=key, **parts) for _ in range(2))
        assert first.status in (200, 201), (route, first.text)
        assert "idempotent-replayed" not in first.headers
        assert (again.status, again.headers["idempotent-replayed"]) == (first.status, "true")
        assert again.json == first.json, route
        return first.json

    def tells_of(self, *kinds: str) -> None:
        """Stripe's events of these types arrive."""
        events = self.stripe.v1.events.list({"limit": 100}).auto_paging_iter()
        records = [
            {
                "messageId": event.id,
                "receiptHandle": event.id,
                "body": json.dumps(event.to_dict()),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {
                    "event_id": {"stringValue": event.id},
                    "received_at": {"stringValue": "2026-11-22T12:00:00Z"},
                    "correlation_id": {"stringValue": "corr-1"},
                },
            }
            for event in events
            if event.type in kinds
        ]
        context = Context()
        assert self.handlers["apply_event"].handle({"Records": records}, context) == {
            "batchItemFailures": []
        }


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[City]:
    set_environment(monkeypatch, EVERYWHERE | ENVIRONMENT)
    with running(Settings()) as url, mock_aws():
        for table, key in (("PAYMENTS", "id"), ("EVENTS", "event_id"), ("IDEMPOTENCY", "id")):
            make_table(ENVIRONMENT[f"{table}_TABLE"], key)
        for variable in [name for name in ENVIRONMENT if name.endswith("_QUEUE_URL")]:
            name = ENVIRONMENT[variable].rpartition("/")[2]
            boto3.client("sqs").create_queue(QueueName=name)
        changed = {"STRIPE_API_URL": url, "SHOPPER_PAYMENTS_PER_MINUTE": "1000"}
        changed |= {"POWERTOOLS_LOG_LEVEL": "DEBUG"}
        set_environment(monkeypatch, changed)
        log = StringIO()
        found = City({function: cold_start(function) for function in FUNCTIONS}, url, log)
        listen(log, monkeypatch)
        caplog.set_level(logging.DEBUG)
        found.puts_keys()
        yield found
        for function in FUNCTIONS:
            forget(function)


def listen(log: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers of the functions write where they were made to: make it here."""
    for function in FUNCTIONS:
        for output in logging.getLogger(function).handlers:
            if isinstance(output, logging.StreamHandler):
                # Not `setStream`, which flushes what an earlier test may have closed.
                monkeypatch.setattr(output, "stream", log)


def every_item() -> str:
    dynamodb = boto3.client("dynamodb")
    return "\n".join(
        f"{table} {json.dumps(item)}"
        for table in dynamodb.list_tables()["TableNames"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
    )


def every_message() -> str:
    sqs = boto3.client("sqs")
    return "\n".join(
        json.dumps(message)
        for url in sqs.list_queues()["QueueUrls"]
        for message in sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
    )


def run_every_route(city: City) -> None:
    """Each POST and DELETE twice with one key, and one payment whose outcome stays unknown."""
    product = city.stripe.v1.products.create({"name": "Tea"}).id
    sold = {"product": product, "unit_amount": 500, "currency": "usd"}
    once = city.stripe.v1.prices.create(dict(sold)).id  # type: ignore[arg-type]
    monthly = city.stripe.v1.prices.create(dict(sold, recurring={"interval": "month"})).id  # type: ignore[arg-type]
    tea = [{"price": once, "quantity": 1}]

    payment = city.asks_twice(
        "POST /payments",
        {"order_id": "o-1", "items": tea, "description": NOTE, "metadata": {"note": NOTE}},
    )["payment"]
    city.stripe.v1.payment_intents.confirm(
        payment["payment_intent_id"],
        {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"},
    )
    city.tells_of("payment_intent.succeeded")
    refund = {"payment_id": payment["id"], "amount_minor": 100}
    city.asks_twice("POST /refunds", refund)

    held = {"order_id": "o-2", "amount_minor": 700, "currency": "usd", "capture": "manual"}
    held = city.asks_twice("POST /payments", held, key="2")["payment"]
    city.stripe.v1.payment_intents.confirm(
        held["payment_intent_id"],
        {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"},
    )
    city.tells_of("payment_intent.amount_capturable_updated")
    city.asks_twice("POST /payments/{id}/capture", {"amount_minor": 600}, id=held["id"])
    gone = {"order_id": "o-3", "items": tea}
    gone = city.asks_twice("POST /payments", gone, key="3")["payment"]
    city.asks_twice("POST /payments/{id}/cancel", {"reason": "abandoned"}, id=gone["id"])
    city.asks_twice("POST /checkout-sessions", {"order_id": "o-4", "items": tea} | PAGES)

    user = {"user_id": "user-1"} | PERSON
    customer = city.asks_twice("POST /customers", user)["customer"]["id"]
    back = {"customer_id": customer, "return_url": "https://shop.example/account"}
    city.asks_twice("POST /portal-sessions", back)
    wanted = {"customer_id": customer, "items": [{"price": monthly, "quantity": 1}]}
    made = city.asks_twice("POST /subscriptions", wanted)
    assert made["client_secret"]
    subscription = made["subscription"]["id"]
    city.asks_twice("POST /subscriptions/{id}", {"cancel_at_period_end": True}, id=subscription)
    city.asks_twice("DELETE /subscriptions/{id}", id=subscription)

    fault = {"method": "POST", "path": "/v1/payment_intents", "kind": "500", "times": 1}
    city.control("faults", fault)
    unknown = {"order_id": "o-5", "items": tea, "description": NOTE}
    assert city.asks("POST /payments", unknown, key="5").status == 202
    declined = {"order_id": "o-6", "items": tea, "description": f"card {CARD}"}
    assert city.asks("POST /payments", declined, key="6").status == 400
    assert city.asks("POST /refunds", {"payment_id": "pay_no"}, key="7").status == 404


def routes_that_write(city: City) -> set[str]:
    shown = Browser(scopes=None).event("GET", "/openapi.json")
    document = json.loads(city.handlers["payments_api"].handle(shown, Context())["body"])
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("post", "delete") and not path.startswith("/webhooks")
    }


def test_after_every_route_nothing_is_at_rest_that_is_for_the_callers_eyes(
    city: City, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run_every_route(city)
    assert city.routes == routes_that_write(city)

    answered = "\n".join(reply.text for reply in city.replies)
    assert "_secret_" in answered
    assert answered.count('"url":"http') == 4
    told = [json.loads(reply.text) for reply in city.replies]
    secrets = {one[name] for one in told for name in ("client_secret", "url") if one.get(name)}
    caught = capfd.readouterr()
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(TEST_SIDE)]
    logs = "\n".join([city.log.getvalue(), caught.out, caught.err, *ours])
    items, messages = every_item(), every_message()
    assert items.count("answer#") > 12
    assert "stripe call" in logs
    assert "answer given again" in logs
    assert '\\"call\\"' in messages

    never = ["_secret_", "https://checkout", "https://billing", CARD, *secrets, *city.stripe_keys]
    never += [CALLERS_KEY]
    for where in (items, messages, logs):
        assert [text for text in never if text in where] == []
    for where in (messages, logs):
        assert [text for text in (*PERSON.values(), NOTE) if text in where] == []


# Loggers of the stand-in and of the account's owner, who run in this process too.
TEST_SIDE = ("httpx", "httpcore", "uvicorn", "asyncio")
