"""Each resource through the official library."""

from typing import Any

import pytest
import stripe

from tests.stripe.payers import CARD, Control, kinds, pay, wait_for


def test_customers(client: Any) -> None:
    """Made, found by e-mail, deleted; then only its id is left."""
    customer = client.v1.customers.create({"email": "a@example.com", "name": "Ada"})
    client.v1.customers.create({"email": "b@example.com"})
    assert [c.id for c in client.v1.customers.list({"email": "a@example.com"})] == [customer.id]
    client.v1.customers.delete(customer.id)
    assert client.v1.customers.retrieve(customer.id).deleted
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(customer.id, {"name": "Eve"})
    assert kinds(client)[-1] == "customer.deleted"


def test_payment_methods(client: Any) -> None:
    """Attached, listed, used again and again, detached for good."""
    customer = client.v1.customers.create({})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert method.card.last4 == "4242"
    for _ in range(2):
        pay(client, customer=customer.id, payment_method=method.id, off_session=True)
    listed = client.v1.customers.payment_methods.list(customer.id)
    assert [each.id for each in listed.data] == [method.id]
    client.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    assert "payment_method.detached" in kinds(client)


def test_a_method_without_a_customer_pays_once(client: Any) -> None:
    """The second payment with it is refused."""
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(client, payment_method=method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(client, payment_method=method.id)


def test_a_declined_card_is_not_attached(client: Any) -> None:
    """0002 is refused at once, 0341 only when it is charged."""
    customer = client.v1.customers.create({})
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    late = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError):
        pay(client, customer=customer.id, payment_method=late.id)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "12"}, "invalid_number"),
        ({"number": "4242424242424242", "exp_month": 13}, "invalid_expiry_month"),
        ({"number": "4242424242424242", "exp_year": 1999}, "invalid_expiry_year"),
    ],
)
def test_a_wrong_card_is_told_at_once(client: Any, card: dict[str, Any], code: str) -> None:
    """402 with the code that the form shows."""
    whole = {"exp_month": 12, "exp_year": 2040, **card}
    with pytest.raises(stripe.CardError) as error:
        client.v1.payment_methods.create({"type": "card", "card": whole})
    assert error.value.code == code


def test_a_set_up_card_pays_off_session(client: Any, control: Control) -> None:
    """3155 authenticates once, on setup; afterwards it is charged without the payer."""
    customer = client.v1.customers.create({})
    setup = client.v1.setup_intents.create(
        {
            "customer": customer.id,
            "confirm": True,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "return_url": "https://shop.example",
        }
    )
    assert setup.status == "requires_action"
    control("POST", f"authenticate/{setup.id}", outcome="succeed")
    done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    paid = pay(client, customer=customer.id, payment_method=done.payment_method, off_session=True)
    assert paid.status == "succeeded"


def test_a_setup_can_fail_and_be_canceled(client: Any, control: Control) -> None:
    """A failed challenge asks for another method; a canceled setup is over."""
    setup = client.v1.setup_intents.create(
        {
            "confirm": True,
            "payment_method": "pm_card_authenticationRequired",
            "return_url": "https://shop.example",
        }
    )
    control("POST", f"authenticate/{setup.id}", outcome="fail")
    failed = client.v1.setup_intents.retrieve(setup.id)
    assert (failed.status, failed.last_setup_error.code) == (
        "requires_payment_method",
        "setup_intent_authentication_failure",
    )
    assert client.v1.setup_intents.cancel(setup.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert error.value.code == "setup_intent_unexpected_state"


def test_a_payment_can_keep_the_card(client: Any) -> None:
    """`setup_future_usage` attaches the method to the customer."""
    customer = client.v1.customers.create({})
    paid = pay(client, customer=customer.id, setup_future_usage="off_session")
    methods = client.v1.customers.payment_methods.list(customer.id).data
    assert [each.id for each in methods] == [paid.payment_method]


def test_catalogue(client: Any) -> None:
    """Products and prices; a product with prices stays; lookup keys find a price."""
    product = client.v1.products.create(
        {"name": "Tea", "default_price_data": {"currency": "usd", "unit_amount": 500}}
    )
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 900,
            "lookup_key": "big",
            "recurring": {"interval": "month"},
        }
    )
    assert client.v1.prices.list({"lookup_keys": ["big"]}).data[0].id == price.id
    assert client.v1.prices.list({"type": "one_time"}).data[0].id == product.default_price
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        client.v1.products.delete(product.id)
    assert client.v1.prices.update(price.id, {"active": False}).active is False
    assert client.v1.products.update(product.id, {"name": "Green tea"}).name == "Green tea"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.prices.create({"product": product.id, "currency": "usd"})


def test_coupons_and_codes(client: Any) -> None:
    """A coupon over a share, and a code for it."""
    coupon = client.v1.coupons.create({"percent_off": 25, "duration": "once", "id": "SPRING"})
    code = client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HELLO"}
    )
    assert client.v1.promotion_codes.list({"code": "HELLO"}).data[0].id == code.id
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.coupons.create({"percent_off": 101})
    client.v1.coupons.delete(coupon.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.coupons.retrieve(coupon.id)


def test_portal_sessions_have_a_url(client: Any, url: str) -> None:
    """A URL of ours, with the default configuration."""
    customer = client.v1.customers.create({})
    session = client.v1.billing_portal.sessions.create(
        {"customer": customer.id, "return_url": "https://shop.example"}
    )
    assert session.url.startswith(url)
    assert client.v1.billing_portal.configurations.list().data[0].is_default


def test_a_bank_debit_takes_its_time(client: Any, control: Control) -> None:
    """SEPA is processing first; its account number decides how it ends."""
    method = {
        "type": "sepa_debit",
        "sepa_debit": {"iban": "AT611904300234573201"},
        "billing_details": {"name": "Ada", "email": "a@example.com"},
    }
    intent = client.v1.payment_intents.create(
        {**CARD, "currency": "eur", "payment_method": client.v1.payment_methods.create(method).id}
    )
    assert intent.status == "processing"
    event = wait_for(client, "payment_intent.succeeded", control)
    assert event.data.object["id"] == intent.id
    assert event.request.id is None


def test_webhook_endpoints(client: Any) -> None:
    """The secret once; an unknown event, a bad URL, a bad version are refused."""
    made = client.v1.webhook_endpoints.create(
        {"url": "https://shop.example/hooks", "enabled_events": ["charge.refunded"]}
    )
    assert made.secret.startswith("whsec_")
    pinned = client.v1.webhook_endpoints.create(
        {
            "url": "https://shop.example/hooks",
            "enabled_events": ["*"],
            "api_version": stripe.api_version,
        }
    )
    assert pinned.api_version == stripe.api_version
    client.v1.webhook_endpoints.delete(pinned.id)
    assert not hasattr(client.v1.webhook_endpoints.list().data[0], "secret")
    for wrong in (
        {"url": "ftp://shop.example", "enabled_events": ["*"]},
        {"url": "https://shop.example", "enabled_events": ["unicorn.created"]},
        {"url": "https://shop.example", "enabled_events": ["*", "charge.refunded"]},
        {"url": "https://shop.example", "enabled_events": ["*"], "api_version": "2001-01-01"},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.webhook_endpoints.create(wrong)
    assert client.v1.webhook_endpoints.update(made.id, {"disabled": True}).status == "disabled"
    assert client.v1.webhook_endpoints.delete(made.id).deleted
    assert client.v1.webhook_endpoints.list().data == []


def test_an_emptied_account_is_empty(client: Any, control: Control) -> None:
    """Nothing is left but the key."""
    pay(client)
    control("DELETE", "account")
    assert client.v1.payment_intents.list().data == []
    assert client.v1.events.list().data == []


def test_the_account_says_who_it_is(client: Any) -> None:
    """The id that errors name."""
    account = client.v1.accounts.retrieve_current()
    assert account.id.startswith("acct_")
    assert account.charges_enabled
