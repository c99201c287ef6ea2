"""A key is revoked while payments come in: the real function, the stand-in Stripe, AWS by moto."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
import pytest
import stripe
from moto import mock_aws

from bench.settings import ENVIRONMENT
from local.stripe.application import Settings
from local.stripe.server import running
from tests.functions.as_lambda import (
    EVERYWHERE,
    cold_start,
    forget,
    make_table,
    set_environment,
)
from tests.functions.payments_api.a_browser import Browser, Context

SECRET = ENVIRONMENT["PAYMENTS_KEY_ARN"]
PERMISSIONS = ["payment_intent_write", "plan_read", "product_read"]


@dataclass
class City:
    """One stage of Paid Once, and its account at Stripe."""

    handler: Any
    stripe_url: str
    account_key: str
    browser: Browser = field(default_factory=lambda: Browser(scopes="payments:read payments:write"))

    @property
    def stripe(self) -> stripe.StripeClient:
        """The account, as its owner sees it."""
        return stripe.StripeClient(self.account_key, base_addresses={"api": self.stripe_url})

    def puts_a_new_key(self) -> str:
        """Make a restricted key and put it where the function reads it."""
        made = httpx.post(
            f"{self.stripe_url}/_test/keys",
            json={"permissions": PERMISSIONS, "livemode": False},
            headers={"Authorization": f"Bearer {self.account_key}"},
        ).raise_for_status()
        key: str = made.json()["key"]
        boto3.client("secretsmanager").put_secret_value(
            SecretId=SECRET, SecretString=json.dumps({"key": key, "created": None})
        )
        return key

    def revokes(self, key: str) -> None:
        """The owner deletes it in the Dashboard."""
        httpx.delete(
            f"{self.stripe_url}/_test/keys/{key}",
            headers={"Authorization": f"Bearer {self.account_key}"},
        ).raise_for_status()

    def sells_tea(self) -> str:
        """A price's id."""
        product = self.stripe.v1.products.create({"name": "Tea"})
        price = self.stripe.v1.prices.create(
            {"product": product.id, "unit_amount": 500, "currency": "usd"}
        )
        return price.id

    def pays(self, order: str, price: str) -> tuple[int, dict[str, Any]]:
        """POST /payments for one tea."""
        event = self.browser.event(
            "POST",
            "/payments",
            body={"order_id": order, "items": [{"price": price, "quantity": 1}]},
            headers={"idempotency-key": f"key of {order}"},
        )
        answer = self.handler.handle(event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The state table."""
        table = boto3.resource("dynamodb").Table(ENVIRONMENT["PAYMENTS_TABLE"])
        return {str(item["id"]): dict(item) for item in table.scan()["Items"]}

    @property
    def paid_for(self) -> list[str]:
        """The orders of all intents at Stripe."""
        intents = self.stripe.v1.payment_intents.list()
        return sorted(intent.metadata["paidonce_order"] for intent in intents.auto_paging_iter())


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    set_environment(monkeypatch, EVERYWHERE | ENVIRONMENT)
    with running(Settings()) as url, mock_aws():
        for table, key in (("PAYMENTS", "id"), ("EVENTS", "event_id"), ("IDEMPOTENCY", "id")):
            make_table(ENVIRONMENT[f"{table}_TABLE"], key)
        boto3.client("secretsmanager").create_secret(
            Name=SECRET, SecretString='{"key": "", "created": null}'
        )
        # The key stays cached for minutes: only the breaker makes the function read it anew.
        changed = {"STRIPE_API_URL": url, "BREAKER_PROBE_SECONDS": "2"}
        set_environment(monkeypatch, changed)
        account_key = "sk_" + "test_" + "keyrevoked00000000000000"
        yield City(cold_start("payments_api"), url, account_key)
        forget("payments_api")


def test_a_key_revoked_in_the_middle(city: City) -> None:
    """Open within one request, nothing half-made while it is, and closed after a new key is in."""
    key, price = city.puts_a_new_key(), city.sells_tea()
    assert city.pays("order-1", price)[0] == 201

    city.revokes(key)
    status, said = city.pays("order-2", price)
    assert (status, said["error"]["code"]) == (503, "payments_blocked")
    breaker = city.rows[f"breaker#{SECRET}"]
    assert breaker["is_open"] is True
    assert key not in str(city.rows)

    known = set(city.rows)
    for order in ("order-2", "order-3"):
        status, said = city.pays(order, price)
        assert (status, said["error"]["code"]) == (503, "payments_blocked")
    assert set(city.rows) - known <= {name for name in city.rows if name.startswith("rate#")}
    assert "order#user-1#order-3" not in city.rows
    assert city.paid_for == ["order-1"]
    shown = city.browser.event("GET", "/payments", query="order_id=order-1")
    assert city.handler.handle(shown, Context())["statusCode"] == 200

    city.puts_a_new_key()
    until_paid(city, "order-2", price)  # seconds pass between two looks for another version
    assert city.pays("order-3", price)[0] == 201
    assert city.rows[f"breaker#{SECRET}"]["is_open"] is False
    assert city.paid_for == ["order-1", "order-2", "order-3"]
    intents = {row["payment_intent_id"] for i, row in city.rows.items() if i.startswith("pay_")}
    assert len(intents) == 3
    assert None not in intents


def until_paid(city: City, order_id: str, price: str) -> None:
    """Ask until the breaker lets a payment through."""
    deadline = time.monotonic() + 30
    while city.pays(order_id, price)[0] != 201:
        assert time.monotonic() < deadline, "the breaker stays open"
        time.sleep(1)  # a shopper may ask ten times a minute


def test_a_key_that_works_again_is_found_by_a_probe(city: City) -> None:
    """A 401 of Stripe's own making: nobody puts a new key."""
    city.puts_a_new_key()
    price = city.sells_tea()
    httpx.post(
        f"{city.stripe_url}/_test/faults",
        json={"method": "POST", "path": "/v1/payment_intents", "kind": "401", "times": 1},
        headers={"Authorization": f"Bearer {city.account_key}"},
    ).raise_for_status()
    assert city.pays("order-1", price)[1]["error"]["code"] == "payments_blocked"
    assert city.pays("order-1", price)[0] == 503
    until_paid(city, "order-1", price)
    assert city.paid_for == ["order-1"]
