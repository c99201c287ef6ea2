"""Webhook deliveries: signed, repeated, held, dropped, rolled."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.stripe.receiver import Receiver

Control = Callable[..., Any]
CARD = {"amount": 2000, "currency": "usd"}


@pytest.fixture
def endpoint(client: Any, receiver: Receiver) -> Any:
    """An endpoint for everything."""
    return client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})


def pay(client: Any) -> Any:
    """A payment: three events."""
    return client.v1.payment_intents.create(
        {
            **CARD,
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example",
        }
    )


def test_a_delivery_is_signed_and_complete(client: Any, receiver: Receiver, endpoint: Any) -> None:
    """The official library verifies each; the secret is shown at creation only."""
    intent = pay(client)
    receiver.wait(3)
    events = receiver.events(endpoint.secret)
    assert {event.type for event in events} == {
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    }  # fmt: skip
    for event in events:
        assert event.request.id.startswith("req_")
        assert event.request.idempotency_key
        assert event.pending_webhooks == 1
        assert event.api_version == "2026-10-28.endive"
    assert {event.data.object.id for event in events} >= {intent.id}
    assert getattr(client.v1.webhook_endpoints.retrieve(endpoint.id), "secret", None) is None


def test_a_failed_delivery_comes_again(
    client: Any, receiver: Receiver, endpoint: Any, control: Control
) -> None:
    """500 and a redirect are failures; the third attempt is accepted, each signed anew."""
    receiver.statuses = [500, 302]
    client.v1.customers.create({"email": "a@example.com"})
    receiver.wait(3)
    assert len({body for body, _ in receiver.bodies}) == 1
    receiver.events(endpoint.secret)
    attempts = control("GET", "deliveries")["data"]
    assert [attempt["status"] for attempt in attempts] == [500, 302, 200]
    assert client.v1.events.list({"delivery_success": False}).data == []
    assert client.v1.events.list().data[0].pending_webhooks == 0


def test_copies_in_any_order(
    client: Any, receiver: Receiver, endpoint: Any, control: Control
) -> None:
    """Five copies of each event, shuffled within half a second."""
    control("POST", "deliveries", copies=5, shuffle_seconds=0.5)
    pay(client)
    receiver.wait(15)
    ids = [event.id for event in receiver.events(endpoint.secret)]
    assert all(ids.count(event_id) == 5 for event_id in set(ids))


def test_held_events_come_in_the_order_asked_for(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """Nothing comes while it is held; then by ids, in reverse, and in copies."""
    control("POST", "deliveries", hold=True)
    pay(client)
    held = control("GET", "deliveries")["held"]
    assert len(held) == 3
    assert receiver.bodies == []
    control("POST", "deliveries/release", order=[held[2]])
    receiver.wait(1)
    assert json.loads(receiver.bodies[0][0])["id"] == held[2]
    assert control("POST", "deliveries/release", order="reverse", copies=2) == {"released": 4}
    receiver.wait(5)
    assert control("GET", "deliveries")["held"] == []
    assert endpoint.status == "enabled"


def test_dropped_events_can_be_found_and_sent_again(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """A dropped event is never attempted, stands in the list, and comes by resend."""
    control("POST", "deliveries", drop=1)
    customer = client.v1.customers.create({"email": "a@example.com"})
    missed = client.v1.events.list({"delivery_success": False, "type": "customer.*"}).data
    assert [event.data.object["id"] for event in missed] == [customer.id]
    assert control("GET", "deliveries")["data"] == []
    control("POST", f"events/{missed[0].id}/resend")
    receiver.wait(1)
    receiver.events(endpoint.secret)


def test_a_rolled_secret_signs_beside_the_new_one(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """During a roll both secrets verify; after it only the new one."""
    rolled = control("POST", f"endpoints/{endpoint.id}/roll")["secret"]
    client.v1.customers.create({"email": "a@example.com"})
    receiver.wait(1)
    receiver.events(endpoint.secret)
    receiver.events(rolled)
    control("POST", "clock/advance", seconds=24 * 3600)
    receiver.bodies.clear()
    client.v1.customers.create({"email": "b@example.com"})
    receiver.wait(1)
    receiver.events(rolled)
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.events(endpoint.secret)


def test_a_disabled_endpoint_gets_nothing(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """Events of the time while it was disabled are not attempted later either."""
    control("POST", f"endpoints/{endpoint.id}/disable")
    client.v1.customers.create({"email": "a@example.com"})
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    client.v1.customers.create({"email": "b@example.com"})
    receiver.wait(1)
    emails = [event.data.object["email"] for event in receiver.events(endpoint.secret)]
    assert emails == ["b@example.com"]


def test_a_burst_of_300_events_is_quick(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """100 payments' events, released at once, arrive within seconds."""
    control("POST", "deliveries", hold=True)
    for _ in range(100):
        pay(client)
    assert control("POST", "deliveries/release", order="forward") == {"released": 300}
    receiver.wait(300, seconds=15)
    assert len({event.id for event in receiver.events(endpoint.secret)}) == 300


def test_retries_follow_the_accounts_clock(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """A retry that is due in three hours comes when the clock is moved, signed with wall time."""
    control("POST", "deliveries", retry_seconds=[3 * 3600])
    receiver.statuses = [503]
    client.v1.customers.create({"email": "a@example.com"})
    receiver.wait(1)
    control("POST", "clock/advance", seconds=3 * 3600 + 1)
    receiver.wait(2)
    receiver.events(endpoint.secret)
    first, second = control("GET", "deliveries")["data"]
    assert second["account_time"] - first["account_time"] > 3 * 3600
    assert second["signature_timestamp"] - first["signature_timestamp"] < 60


def test_an_endpoint_that_fails_for_days_is_disabled(
    client: Any, receiver: Receiver, control: Control, endpoint: Any
) -> None:
    """After nine days of failures Stripe gives up on it."""
    control("POST", "deliveries", retry_seconds=[])
    receiver.statuses = [500, 500]
    client.v1.customers.create({"email": "a@example.com"})
    receiver.wait(1)
    control("POST", "clock/advance", seconds=9 * 24 * 3600 + 10)
    client.v1.customers.create({"email": "b@example.com"})
    receiver.wait(2)
    receiver.until(lambda: client.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled")


def test_each_endpoint_gets_its_version(client: Any, receiver: Receiver, endpoint: Any) -> None:
    """An endpoint of dahlia hears in dahlia; the event itself stays in the account's version."""
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    older = client.v1.webhook_endpoints.create(
        {
            "url": receiver.url,
            "enabled_events": ["checkout.session.expired"],
            "api_version": "2026-08-26.dahlia",
        }
    )
    product = client.v1.products.create({"name": "Tea"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 500})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example",
            "line_items": [{"price": price.id, "quantity": 1}],
        }
    )
    client.v1.checkout.sessions.expire(session.id)
    receiver.wait(1)
    event = receiver.events(older.secret)[0]
    assert event.api_version == "2026-08-26.dahlia"
    assert "allowed_payment_method_types" not in event.data.object.to_dict()
    kept = client.v1.events.retrieve(event.id)
    assert kept.api_version == "2026-10-28.endive"
    assert "allowed_payment_method_types" in kept.data.object.to_dict()


def test_no_receiver_is_a_failure_too(client: Any, control: Control, receiver: Receiver) -> None:
    """A refused connection is an attempt without a status, and is tried again."""
    client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/hooks", "enabled_events": ["customer.created"]}
    )
    client.v1.customers.create({"email": "a@example.com"})
    receiver.until(lambda: len(control("GET", "deliveries")["data"]) == 3)
    attempts = control("GET", "deliveries")["data"]
    assert {attempt["status"] for attempt in attempts} == {None}
    assert all(attempt["error"] for attempt in attempts)
    assert client.v1.events.list({"delivery_success": False}).data[0].pending_webhooks == 1
