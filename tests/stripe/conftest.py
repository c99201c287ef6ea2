"""A stand-in on a free port for the whole session, and an account of its own for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import stripe

from local.stripe.application import Settings
from local.stripe.call import Call
from local.stripe.identifiers import random_letters
from local.stripe.router import Route
from local.stripe.server import running
from local.stripe.shapes import Json
from local.stripe.spec import answers
from tests.stripe.receiver import Receiver, receiving
from tests.stripe.subscribers import START

UNFAITHFUL: list[str] = []


def compare_with_document(call: Call, route: Route, shown: Json) -> None:
    """Remembers what differs from Stripe's document, in an answer and in its events."""
    if "payment_pages" not in route.path:
        UNFAITHFUL.extend(answers.faults(route.path, route.method, call.release, shown))
    for event in call.account.new_events:
        UNFAITHFUL.extend(answers.object_faults(event["data"]["object"]))


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Where the stand-in is; deliveries are tried again after 0.2 and 0.4 seconds."""
    with running(Settings(retry_seconds=(0.2, 0.4), inspect=compare_with_document)) as address:
        yield address


@pytest.fixture(autouse=True)
def faithful() -> Iterator[None]:
    """Every answer and event of every test is valid against Stripe's document."""
    UNFAITHFUL.clear()
    yield
    assert UNFAITHFUL == []


@pytest.fixture
def key() -> str:
    """A secret key that nobody used before: an account of its own."""
    return "sk_" + "test_" + random_letters(24)


@pytest.fixture
def client(url: str, key: str) -> Any:
    """The official library, pointed at the stand-in, with its own retries off."""
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


@pytest.fixture
def api(url: str, key: str) -> Iterator[httpx.Client]:
    """Plain HTTP with the key, for what the library would not send."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as opened:
        yield opened


@pytest.fixture
def control(api: httpx.Client) -> Callable[..., Any]:
    """Calls a control of the test's own account and gives its JSON."""

    def call(way: str, place: str, /, **body: Any) -> Any:
        answer = api.request(way, f"/_test/{place}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return call


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver that keeps what it gets."""
    with receiving() as opened:
        yield opened


@pytest.fixture
def price(client: Any) -> Any:
    """Ten dollars a month."""
    product = client.v1.products.create({"name": "Tea club"})
    return client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
    )


@pytest.fixture
def clock(client: Any) -> Any:
    """A test clock at 1 November 2026."""
    return client.v1.test_helpers.test_clocks.create({"frozen_time": START})
