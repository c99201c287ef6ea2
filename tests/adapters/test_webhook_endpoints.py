"""Webhook endpoints, over the fake and the stand-in Stripe."""

from collections.abc import Iterator

import pytest
from paidonce.adapters.stripe_endpoints import StripeWebhookEndpoints
from paidonce.domain.errors import KeyRefused
from paidonce.use_cases.rotation_ports import WebhookEndpoint, WebhookEndpoints

from local.stripe.application import Settings
from local.stripe.server import running
from tests.adapters.canned import canned_server
from tests.adapters.stand_in import at_the_stand_in, gateway
from tests.adapters.stripe_bench import Bench, refusal
from tests.fakes_rotation import FakeWebhookEndpoints

URL = "https://api.example.com/webhooks/stripe"
TYPES = ("payment_intent.canceled", "payment_intent.succeeded")
MARKS = {"paidonce_stage": "t"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(Settings()) as started:
        yield started


@pytest.fixture(params=["fake", "stand-in"])
def endpoints(request: pytest.FixtureRequest, address: str) -> Iterator[WebhookEndpoints]:
    if request.param == "fake":
        yield FakeWebhookEndpoints()
        return
    with at_the_stand_in(address) as (calls, _key, _address):
        yield StripeWebhookEndpoints(gateway(calls), api_version="2026-10-28.endive")


def a_minute() -> float:
    return 60.0


def made(endpoints: WebhookEndpoints, key: str = "whe_1_default") -> WebhookEndpoint:
    return endpoints.create(
        url=URL, event_types=TYPES, metadata=MARKS, idempotency_key=key, time_left=a_minute
    )


def test_a_new_endpoint_is_enabled_pinned_and_shows_its_secret_once(
    endpoints: WebhookEndpoints,
) -> None:
    new = made(endpoints)
    assert (new.url, new.event_types, new.is_enabled) == (URL, TYPES, True)
    assert new.api_version == "2026-10-28.endive"
    assert new.metadata == MARKS
    assert (new.secret or "").startswith("whsec_")
    assert (new.secret or "nothing") not in repr(new)
    (listed,) = endpoints.all(time_left=a_minute)
    assert (listed.id, listed.secret) == (new.id, None)


def test_the_same_key_gives_the_same_endpoint_and_secret_again(
    endpoints: WebhookEndpoints,
) -> None:
    """So a crash between Stripe's answer and our note of it loses nothing."""
    assert made(endpoints) == made(endpoints)
    assert len(endpoints.all(time_left=a_minute)) == 1


def test_also_after_the_endpoint_was_deleted(endpoints: WebhookEndpoints) -> None:
    """Hence nothing is promoted that is not in the list."""
    first = made(endpoints)
    endpoints.delete(first.id, time_left=a_minute)
    assert made(endpoints).id == first.id
    assert endpoints.all(time_left=a_minute) == []


def test_another_key_makes_another(endpoints: WebhookEndpoints) -> None:
    ids = {made(endpoints, f"whe_{n}_default").id for n in range(3)}
    assert {one.id for one in endpoints.all(time_left=a_minute)} == ids


def test_a_disabled_one_stays_and_a_deleted_one_is_gone(endpoints: WebhookEndpoints) -> None:
    new = made(endpoints)
    endpoints.disable(new.id, time_left=a_minute)
    (listed,) = endpoints.all(time_left=a_minute)
    assert not listed.is_enabled
    endpoints.delete(new.id, time_left=a_minute)
    assert endpoints.all(time_left=a_minute) == []


def test_one_that_is_gone_is_disabled_and_deleted_already(endpoints: WebhookEndpoints) -> None:
    other = made(endpoints)
    endpoints.disable("we_gone", time_left=a_minute)
    endpoints.delete("we_gone", time_left=a_minute)
    (listed,) = endpoints.all(time_left=a_minute)
    assert (listed.id, listed.is_enabled) == (other.id, True)


def test_what_it_is_sent_can_be_changed(endpoints: WebhookEndpoints) -> None:
    new = made(endpoints)
    endpoints.disable(new.id, time_left=a_minute)
    endpoints.subscribe(new.id, TYPES[:1], idempotency_key="another wish", time_left=a_minute)
    (listed,) = endpoints.all(time_left=a_minute)
    assert (listed.event_types, listed.is_enabled) == (TYPES[:1], True)


def test_all_pages_are_read(endpoints: WebhookEndpoints) -> None:
    for number in range(16):
        made(endpoints, f"whe_{number}")
    assert len({one.id for one in endpoints.all(time_left=a_minute)}) == 16


def test_a_key_without_the_permission_is_refused() -> None:
    with canned_server() as server:
        server.answers = [refusal(403, "more_permissions_required")]
        endpoints = StripeWebhookEndpoints(Bench(server).gateway(), api_version="v")
        with pytest.raises(KeyRefused):
            made(endpoints)
