"""Lives of customers, subscriptions and invoices, told by the stand-in as Stripe tells them."""

from typing import Any

import stripe

from tests.stripe.subscribers import DAY, START, advance

MARKS = {"paidonce_stage": "test", "paidonce_user": "user-1"}


def _price(client: stripe.StripeClient) -> str:
    product = client.v1.products.create({"name": "Membership"})
    recurring: Any = {"interval": "month"}
    return client.v1.prices.create(
        {"product": product.id, "unit_amount": 500, "currency": "usd", "recurring": recurring}
    ).id


def _customer(client: stripe.StripeClient, card: str | None = "pm_card_visa", **more: Any) -> str:
    paying: Any = {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
    params: Any = {
        "metadata": MARKS,
        "email": "ann@example.com",
        **(paying if card else {}),
        **more,
    }
    return client.v1.customers.create(params).id


def _subscribed(client: stripe.StripeClient, customer: str, price: str, **more: Any) -> Any:
    items = [{"price": price}]
    params: Any = {"customer": customer, "items": items, "metadata": MARKS, **more}
    return client.v1.subscriptions.create(params)


def lives_of_a_customer(client: stripe.StripeClient) -> None:
    """Made, renamed, deleted."""
    customer = _customer(client, None)
    client.v1.customers.update(customer, {"name": "Ann"})
    client.v1.customers.delete(customer)


def lives_of_a_subscription(client: stripe.StripeClient) -> None:
    """A trial without a card that pauses and goes on; one that renews, fails and is ended."""
    price = _price(client)
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": START})
    trying = _subscribed(
        client,
        _customer(client, None, test_clock=clock.id),
        price,
        trial_period_days=4,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    advance(client, clock, START + 5 * DAY)
    client.v1.subscriptions.resume(trying.id)
    customer = _customer(client, test_clock=clock.id)
    renewing = _subscribed(client, customer, price)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    client.v1.subscriptions.update(renewing.id, {"default_payment_method": bad.id})
    advance(client, clock, START + 37 * DAY)
    client.v1.subscriptions.cancel(renewing.id)


def lives_of_an_invoice(client: stripe.StripeClient) -> None:
    """First invoices that wait for the shopper, are given up, and are taken back."""
    price = _price(client)
    _subscribed(client, _customer(client, "pm_card_authenticationRequired"), price)
    for end in (client.v1.invoices.mark_uncollectible, client.v1.invoices.void_invoice):
        waiting = _subscribed(
            client, _customer(client), price, payment_behavior="default_incomplete"
        )
        end(waiting.latest_invoice)
