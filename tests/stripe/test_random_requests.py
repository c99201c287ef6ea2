"""Random requests against every path: Stripe's errors or valid answers, never a crash."""

import random
import re
from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import stripe

from local.stripe.router import ROUTER
from local.stripe.spec.document import operation, resolved

WORDS = [
    "",
    "usd",
    "xx",
    "1",
    "0",
    "-5",
    "true",
    "now",
    "a" * 30,
    "pm_card_visa",
    "https://a.b/c",
    "é",
    "💥",
]
CARDS = [
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_createDispute",
]
LISTS = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "subscription": "subscriptions?status=all",
    "invoice": "invoices",
    "intent": "payment_intents",
    "charge": "charges",
    "refund": "refunds",
    "dispute": "disputes",
    "session": "checkout/sessions",
    "invoiceitem": "invoiceitems",
    "id": "events",
}


class Asker:
    """Makes requests from the document's parameters, mostly right and often wrong."""

    def __init__(self, api: httpx.Client, seed: int) -> None:
        self.api = api
        self.random = random.Random(seed)
        self.ids: dict[str, list[str]] = defaultdict(list, payment_method=list(CARDS))

    def look(self) -> None:
        """Learns which objects there are."""
        for kind, path in LISTS.items():
            self.ids[kind] = [row["id"] for row in self.api.get(f"/v1/{path}").json()["data"]]

    def ask(self) -> tuple[str, int]:
        """One request; what it was and its status."""
        route = self.random.choice(ROUTER.routes)
        path = re.sub(r"\{(\w+)\}", lambda match: self.known(match[1]), route.path)
        described = operation(route.path, route.method, "legacy")
        pairs: list[tuple[str, str]] = []
        for name, part in described["properties"].items():
            if name in described["required"] or self.random.random() < 0.15:
                self.flatten(name, self.value(name, part), pairs)
        if route.method == "POST":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self.api.post(path, content=urlencode(pairs), headers=headers)
        else:
            answer = self.api.request(route.method, f"{path}?{urlencode(pairs)}")
        if answer.status_code != 200:
            assert answer.json()["error"]["message"], answer.text
        return f"{route.method} {path} {pairs}", answer.status_code

    def known(self, name: str) -> str:
        """The id of something, mostly of the right kind."""
        kind = {"subscription_exposed_id": "subscription"}.get(name, name)
        return self.random.choice(self.ids[kind] or ["none"])

    def value(self, name: str, part: Any, depth: int = 0) -> Any:
        """A value for a parameter."""
        part = resolved(part)
        if self.random.random() < 0.07:
            return self.random.choice(WORDS)
        if self.ids.get(name):
            return self.known(name)
        if name in {"amount", "unit_amount", "currency"}:
            return "usd" if name == "currency" else "1000"
        if "anyOf" in part:
            return self.value(name, self.random.choice(part["anyOf"]), depth)
        if "enum" in part:
            return self.random.choice(part["enum"])
        return self.plain(name, part, depth)

    def plain(self, name: str, part: Any, depth: int) -> Any:
        """A value of a type."""
        kind = part.get("type")
        if kind == "array":
            count = self.random.randint(0, 2)
            inner = part.get("items", {})
            return [self.value(name.removesuffix("s"), inner, depth + 1) for _ in range(count)]
        if kind == "object":
            required = part.get("required", ())
            return {
                key: self.value(key, inner, depth + 1)
                for key, inner in part.get("properties", {"a": {}}).items()
                if key in required or self.random.random() < 0.2 / (depth + 1)
            }
        numbers = [str(number) for number in (0, 1, 3, 500, 1795348730)]
        return self.random.choice(numbers if kind in {"integer", "number"} else WORDS)

    def flatten(self, name: str, value: Any, pairs: list[tuple[str, str]]) -> None:
        """Form encoding."""
        below = value.items() if isinstance(value, dict) else enumerate(value)
        if isinstance(value, str):
            pairs.append((name, value))
            return
        for key, inner in below:
            self.flatten(f"{name}[{key}]", inner, pairs)


def some_objects(client: Any) -> None:
    """A customer, a subscription and payments, so that paths lead somewhere."""
    customer = client.v1.customers.create({"source": "tok_visa"})
    product = client.v1.products.create({"name": "Tea"})
    monthly = {"recurring": {"interval": "month"}}
    price = client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 900, **monthly}
    )
    client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    for card in CARDS:
        wanted = {"amount": 1000, "currency": "usd", "payment_method": card, "confirm": True}
        for manner in ("automatic", "manual"):
            try:
                client.v1.payment_intents.create(
                    {**wanted, "capture_method": manner, "return_url": "https://a.b"}
                )
            except stripe.CardError:
                continue


@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_breaks_it(client: Any, api: httpx.Client, seed: int) -> None:
    """600 requests: 200 with a valid answer, or an error of Stripe's, never a 500."""
    some_objects(client)
    asker = Asker(api, seed)
    statuses: dict[int, int] = defaultdict(int)
    for turn in range(600):
        if turn % 100 == 0:
            asker.look()
        asked, status = asker.ask()
        assert status < 500, asked
        statuses[status] += 1
    assert statuses[200] > 100
