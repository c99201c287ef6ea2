"""One contract of Stripe's two ports, over the fake and over the stand-in with the real library."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import stripe
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.secrets import KeyVersion
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway, StripeSdkReader
from paidonce.domain.errors import StripeRefused
from paidonce.domain.sighting import Source
from paidonce.use_cases.stripe_ports import Answer, PaymentGateway, StripeReader

from local.stripe.application import Settings
from local.stripe.server import running
from tests.examples import an_event
from tests.fakes import FakeClock, FakeCounter
from tests.fakes_stripe import FakePaymentGateway, FakeStripe, FakeStripeReader
from tests.fakes_telemetry import FakeTelemetry

PARAMS = {
    "amount": 1999,
    "currency": "usd",
    "metadata": {"paidonce_stage": "test", "paidonce_payment": "pay_1", "paidonce_attempt": "1"},
}


@dataclass
class Shop:
    """Both ports, and an event that Stripe holds."""

    gateway: PaymentGateway
    reader: StripeReader
    event_id: str

    def creates(self, key: str = "pay_1_a1", **changes: Any) -> Answer:
        """Ask for an intent under this key."""
        return self.gateway.create_intent(
            PARAMS | changes, idempotency_key=key, time_left=lambda: 20.0
        )


class OneKey:
    """The stand-in takes any test key: each is an account of its own."""

    secret_name = "none"

    def __init__(self, key: str) -> None:
        self._version = KeyVersion(version_id="the only one", key=key)

    def current(self, *, anew: bool = False) -> KeyVersion:
        """The key."""
        assert anew in (True, False)
        return self._version

    def previous(self) -> KeyVersion | None:
        """None."""
        return None


@pytest.fixture(scope="module", params=["fake", "stand-in"])
def stripe_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None for the fake."""
    if request.param == "fake":
        yield None
    else:
        with running(Settings()) as url:
            yield url


@pytest.fixture
def shop(stripe_url: str | None, request: pytest.FixtureRequest) -> Shop:
    if stripe_url is None:
        fake = FakeStripe(FakeClock())
        fake.events["evt_1"] = an_event(event_id="evt_1")
        return Shop(FakePaymentGateway(fake), FakeStripeReader(fake), "evt_1")
    # A key of its own is an account of its own.
    key = "sk_" + "test_" + f"contract{abs(hash(request.node.nodeid)):024d}"
    client = stripe.StripeClient(key, base_addresses={"api": stripe_url})
    client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    (event,) = client.v1.events.list().data
    clock, telemetry = SystemClock(), FakeTelemetry()
    calls = StripeCalls(OneKey(key), base_url=stripe_url, clock=clock, telemetry=telemetry)
    budget = Budget(FakeCounter(), clock, use="worker", per_second=1000)
    return Shop(
        StripeSdkGateway(calls, clock=clock, telemetry=telemetry, call_timeout_seconds=8),
        StripeSdkReader(calls, budget=budget, timeout_seconds=5),
        event.id,
    )


def test_an_intent_is_made_as_it_was_asked_for(shop: Shop) -> None:
    answer = shop.creates()
    intent = answer.seen.object
    assert {name: intent[name] for name in ("amount", "currency", "metadata")} == PARAMS
    assert intent["status"] == "requires_payment_method"
    assert intent["client_secret"].startswith(intent["id"])
    assert (answer.seen.source, answer.replayed) == (Source.ANSWER, False)
    assert answer.request_id


def test_the_same_key_and_request_give_the_same_intent(shop: Shop) -> None:
    first, second = shop.creates(), shop.creates()
    assert second.seen.object["id"] == first.seen.object["id"]
    assert second.replayed


def test_another_key_makes_another_intent(shop: Shop) -> None:
    made = {shop.creates(f"pay_1_a{n}").seen.object["id"] for n in (1, 2)}
    assert len(made) == 2


def test_the_same_key_with_another_request_is_refused(shop: Shop) -> None:
    shop.creates()
    with pytest.raises(StripeRefused) as raised:
        shop.creates(amount=2000)
    assert raised.value.stripe_code == "idempotency_error"
    assert raised.value.http_status == 400


def test_an_intent_is_read_by_the_api_and_by_the_worker(shop: Shop) -> None:
    made = shop.creates().seen.object
    by_api = shop.gateway.intent(made["id"], time_left=lambda: 20.0).seen
    by_worker = shop.reader.retrieve("payment_intent", made["id"])
    for seen in (by_api, by_worker):
        assert seen.object["id"] == made["id"]
        assert seen.object["client_secret"] == made["client_secret"]
        assert seen.source is Source.FETCH


def test_a_look_lies_between_its_bounds(shop: Shop) -> None:
    """From before the object was made to not before it."""
    made = shop.creates()
    assert made.seen.as_of_from < made.seen.as_of
    assert made.seen.as_of_from <= made.seen.object["created"] <= made.seen.as_of


def test_what_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(StripeRefused) as by_worker:
        shop.reader.retrieve("payment_intent", "pi_none")
    with pytest.raises(StripeRefused) as by_api:
        shop.gateway.intent("pi_none", time_left=lambda: 20.0)
    with pytest.raises(StripeRefused) as event:
        shop.reader.event("evt_none")
    assert {e.value.http_status for e in (by_worker, by_api, event)} == {404}


def test_an_event_is_read_by_its_id(shop: Shop) -> None:
    event = shop.reader.event(shop.event_id)
    assert (event.id, event.livemode) == (shop.event_id, False)
    assert event.type.startswith("payment_intent.")
