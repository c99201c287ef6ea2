"""The manifest of permissions is enough for every route and rule, and nothing in it is too much.

The real functions with all their adapters, the stand-in's restricted keys, AWS by moto.
"""

import json
from typing import Any

import boto3
import pytest
from paidonce import rules
from paidonce.domain import permissions, rulebook
from paidonce.domain.errors import KeyRefused, StripeRefused
from paidonce.domain.permissions import Permission

from bench.settings import ENVIRONMENT
from tests.functions.test_nothing_at_rest import PAGES, City, city  # noqa: F401 - a fixture

rulebook.load(rules)
SECRETS = {"payments": "PAYMENTS_KEY_ARN", "refunds": "REFUNDS_KEY_ARN", "reader": "READER_KEY_ARN"}
FORBIDDEN = 503


class Denied(Exception):  # noqa: N818 - errors are facts
    """Stripe answered 403 to something that this stage has to do."""


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> "Town":
    """A stage whose functions read their keys anew for each request."""
    monkeypatch.setitem(ENVIRONMENT, "SECRET_CACHE_SECONDS", "0")
    # Every resource once for each permission that is taken away, in a second or two.
    monkeypatch.setitem(ENVIRONMENT, "WORKER_BUDGET_PER_SECOND", "1000")
    return Town(request.getfixturevalue("city"))


class Town:
    """A stage, and one run after another of all that it does at Stripe."""

    def __init__(self, city: City) -> None:  # noqa: F811 - the fixture's value
        self.city = city
        self.runs = 0

    def holds(self, key: str, ticked: tuple[Permission, ...]) -> None:
        """A key with exactly these permissions in its secret."""
        wanted = {"permissions": [p.name for p in ticked], "livemode": False}
        made = self.city.control("keys", wanted)["key"]
        boto3.client("secretsmanager").put_secret_value(
            SecretId=ENVIRONMENT[SECRETS[key]],
            SecretString=json.dumps({"key": made, "created": None}),
        )

    def asks(self, route: str, body: Any = None, **parts: str) -> Any:
        """The answer to a request with a key of its own; Denied for payments_blocked."""
        reply = self.city.asks(route, body, key=f"{self.runs} {len(self.city.replies)}", **parts)
        if reply.status == FORBIDDEN:
            raise Denied(route)
        assert reply.status in (200, 201), (route, reply.text)
        return reply.json

    def pays(self, payment: dict[str, Any], told: str) -> None:
        """The shopper confirms, and Stripe tells of it."""
        self.city.stripe.v1.payment_intents.confirm(
            payment["payment_intent_id"],
            {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"},
        )
        self.city.tells_of(told)

    def sells(self, **more: Any) -> str:
        """A price that no cache knows."""
        product = self.city.stripe.v1.products.create({"name": "Tea"}).id
        params: Any = {"product": product, "unit_amount": 500, "currency": "usd"} | more
        return self.city.stripe.v1.prices.create(params).id

    def uses(self, key: str) -> None:
        """Everything that is done with this key; raises Denied at the first 403."""
        self.runs += 1
        {"payments": self._takes_money, "refunds": self._refunds, "reader": self._reads}[key]()

    def is_denied(self, key: str) -> bool:
        """Whether something of it is."""
        try:
            self.uses(key)
        except Denied:
            return True
        return False

    def _takes_money(self) -> None:
        run = self.runs
        tea = [{"price": self.sells(), "quantity": 1}]
        held = {"order_id": f"h-{run}", "items": tea, "capture": "manual"}
        held = self.asks("POST /payments", held)["payment"]
        self.asks("GET /payments/{id}/client-secret", id=held["id"])
        self.pays(held, "payment_intent.amount_capturable_updated")
        self.asks("POST /payments/{id}/capture", id=held["id"])
        gone = self.asks("POST /payments", {"order_id": f"g-{run}", "items": tea})["payment"]
        self.asks("POST /payments/{id}/cancel", id=gone["id"])
        self.asks("POST /checkout-sessions", {"order_id": f"c-{run}", "items": tea} | PAGES)
        user = {"user_id": f"user-{run}"}
        customer = self.asks("POST /customers", user)["customer"]["id"]
        back = {"customer_id": customer, "return_url": "https://shop.example/account"}
        self.asks("POST /portal-sessions", back)
        monthly = [{"price": self.sells(recurring={"interval": "month"}), "quantity": 1}]
        wanted = {"customer_id": customer, "items": monthly}
        made = self.asks("POST /subscriptions", wanted | {"trial_days": 3})["subscription"]["id"]
        self.asks("POST /subscriptions/{id}", {"cancel_at_period_end": True}, id=made)
        self.asks("GET /subscriptions/{id}", id=made)
        self.asks("DELETE /subscriptions/{id}", id=made)
        self.asks("POST /subscriptions", wanted)

    def _refunds(self) -> None:
        self.holds("payments", permissions.of_key("payments"))
        tea = {"order_id": f"r-{self.runs}", "amount_minor": 700, "currency": "usd"}
        paid = self.asks("POST /payments", tea)["payment"]
        self.pays(paid, "payment_intent.succeeded")
        refund = self.asks("POST /refunds", {"payment_id": paid["id"]})["refund"]
        self.asks("GET /refunds/{id}", id=refund["id"])

    def _reads(self) -> None:
        """What apply_event fetches: an event by its id, and what each rule may ask to see."""
        reader = self.city.handlers["apply_event"].wiring._reader
        try:
            with_absence(lambda: reader.event("evt_none"))
            for resource in rulebook.resources():
                with_absence(lambda resource=resource: reader.retrieve(resource, "none_1"))
        except KeyRefused as error:
            raise Denied from error


def with_absence(ask: Any) -> None:
    """404 is an answer: the key may look."""
    with pytest.raises(StripeRefused) as refusal:
        ask()
    assert refusal.value.http_status == 404


@pytest.mark.parametrize("key", SECRETS)
def test_exactly_the_manifest_is_enough_and_without_any_of_it_something_fails(
    town: Town, key: str
) -> None:
    """Endpoints are looked at by `paidonce doctor` and made by rotate_secret: tests/ops."""
    ticked = permissions.of_key(key)
    town.holds(key, ticked)
    town.uses(key)
    used_elsewhere = permissions.of_function("doctor").get(key, ())
    for taken in set(ticked) - set(used_elsewhere):
        rest = tuple(p for p in ticked if p != taken)
        # The column Read is what is left of Write.
        read = permissions.reads(taken.row) if taken in permissions.writes(taken.row) else ()
        town.holds(key, rest + read)
        assert town.is_denied(key), f"nothing needs {taken.shown}"


def test_every_resource_of_a_rule_has_a_row() -> None:
    assert set(rulebook.resources()) <= permissions.ROW_OF_RESOURCE.keys()
