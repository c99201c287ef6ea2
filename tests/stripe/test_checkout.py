"""Checkout sessions, their page, and the page of 3D Secure."""

from typing import Any

import httpx
import pytest
import stripe

from tests.stripe.payers import Control, kinds


@pytest.fixture
def price(client: Any) -> Any:
    """Five dollars once."""
    product = client.v1.products.create({"name": "Tea"})
    return client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 500})


def session_for(client: Any, price: Any, **more: Any) -> Any:
    """A session over three."""
    return client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/cart",
            "line_items": [{"price": price.id, "quantity": 3}],
            **more,
        }
    )


def test_a_customer_pays_on_the_page(client: Any, price: Any) -> None:
    """A declined card is told and can be replaced; then back to the shop, once."""
    session = session_for(client, price, payment_intent_data={"metadata": {"order": "7"}})
    assert (session.status, session.amount_total) == ("open", 1500)
    assert "Pay $15.00 usd" in httpx.get(session.url).text
    typed = {"email": "a@example.com", "number": "4000000000009995"}
    declined = httpx.post(session.url, data=typed)
    assert declined.status_code == 402
    assert "insufficient funds" in declined.text
    paid = httpx.post(session.url, data={**typed, "number": "4242 4242 4242 4242"})
    assert paid.headers["location"] == f"https://shop.example/done?session={session.id}"
    done = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent", "line_items"]}
    )
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert done.payment_intent.metadata.to_dict() == {"order": "7"}
    assert done.line_items.data[0].quantity == 3
    assert done.customer_details.email == "a@example.com"
    assert kinds(client).count("checkout.session.completed") == 1


def test_the_intent_of_a_page_is_not_canceled_while_somebody_may_pay_on_it(
    client: Any, price: Any
) -> None:
    """Its session is expired instead; money that is held can be given back."""
    session = session_for(client, price, payment_intent_data={"capture_method": "manual"})
    typed = {"email": "a@example.com", "number": "4000000000009995"}
    assert httpx.post(session.url, data=typed).status_code == 402
    intent_id = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(intent_id)
    assert refused.value.code == "payment_intent_unexpected_state"
    httpx.post(session.url, data={**typed, "number": "4242424242424242"})
    assert client.v1.payment_intents.cancel(intent_id).status == "canceled"


def test_a_challenge_ends_on_its_page(client: Any, price: Any) -> None:
    """Checkout with 3184 leads to the bank's page; completed there, the session is paid."""
    session = session_for(client, price)
    typed = {"email": "a@example.com", "number": "4000002760003184"}
    to_bank = httpx.post(session.url, data=typed).headers["location"]
    assert "Complete" in httpx.get(to_bank).text
    back = httpx.post(to_bank, data={"outcome": "succeed"}).headers["location"]
    assert "redirect_status=succeeded" in back
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert httpx.get(to_bank.split("?")[0]).status_code == 404


def test_a_subscription_begins_on_the_page(client: Any) -> None:
    """Mode subscription: a customer, an active subscription, a paid invoice."""
    product = client.v1.products.create({"name": "Tea club"})
    monthly = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1000,
            "recurring": {"interval": "month"},
        }
    )
    session = session_for(
        client, monthly, mode="subscription", subscription_data={"metadata": {"user": "7"}}
    )
    httpx.post(session.url, data={"email": "a@example.com", "number": "4242424242424242"})
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.status, done.subscription.status) == ("complete", "active")
    assert done.subscription.metadata.to_dict() == {"user": "7"}
    assert client.v1.customers.retrieve(done.customer).email == "a@example.com"


def test_a_card_is_saved_on_the_page(client: Any) -> None:
    """Mode setup: a setup intent that succeeded."""
    customer = client.v1.customers.create({"email": "a@example.com"})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "success_url": "https://shop.example",
            "customer": customer.id,
            "currency": "usd",
        }
    )
    httpx.post(session.url, data={"email": "a@example.com", "number": "4242424242424242"})
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")


def test_a_session_expires(client: Any, price: Any, control: Control) -> None:
    """By call, or after a day; then nobody pays there."""
    first, second = session_for(client, price), session_for(client, price)
    assert client.v1.checkout.sessions.expire(first.id).status == "expired"
    control("POST", "clock/advance", seconds=25 * 3600)
    assert client.v1.checkout.sessions.retrieve(second.id).status == "expired"
    assert httpx.post(second.url, data={"number": "4242424242424242"}).status_code == 404
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(first.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"line_items": []},
        {"success_url": ""},
        {"mode": "subscription"},
        {"line_items": [{"quantity": 1}]},
        {"line_items": [{"price": "price_none", "quantity": 1}]},
    ],
)
def test_wrong_sessions_are_refused(client: Any, price: Any, wrong: dict[str, Any]) -> None:
    """400, and no session."""
    if wrong.get("mode"):
        wrong = {**wrong, "payment_intent_data": {"description": "x"}}
    with pytest.raises(stripe.InvalidRequestError):
        session_for(client, price, **wrong)
    assert client.v1.checkout.sessions.list().data == []
