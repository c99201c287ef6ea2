"""Plans, items, tokens, sources and portal configurations."""

from typing import Any

import pytest
import stripe


def test_plans_are_prices_too(client: Any) -> None:
    """A plan can be subscribed to."""
    plan = client.v1.plans.create(
        {"currency": "usd", "interval": "month", "amount": 700, "product": {"name": "Tea club"}}
    )
    customer = client.v1.customers.create(
        {
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    subscription = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": plan.id}]}
    )
    assert subscription.status == "active"
    assert client.v1.plans.update(plan.id, {"nickname": "club"}).nickname == "club"
    assert client.v1.plans.list({"product": plan.product}).data[0].id == plan.id
    assert client.v1.plans.delete(plan.id).deleted


def test_items_come_and_go(client: Any) -> None:
    """A subscription's items one by one; the last one stays."""
    product = client.v1.products.create({"name": "Tea club"})
    monthly: Any = {"currency": "usd", "product": product.id, "recurring": {"interval": "month"}}
    prices = [client.v1.prices.create({**monthly, "unit_amount": unit}) for unit in (500, 900)]
    customer = client.v1.customers.create({"source": "tok_visa"})
    subscription = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": prices[0].id}]}
    )
    second = client.v1.subscription_items.create(
        {"subscription": subscription.id, "price": prices[1].id, "quantity": 2}
    )
    assert client.v1.subscription_items.update(second.id, {"quantity": 3}).quantity == 3
    listed = client.v1.subscription_items.list({"subscription": subscription.id}).data
    assert [each.quantity for each in listed] == [3, 1]
    client.v1.subscription_items.delete(second.id)
    with pytest.raises(stripe.InvalidRequestError, match="at least one active item"):
        client.v1.subscription_items.delete(listed[1].id)


def test_tokens_and_sources(client: Any) -> None:
    """The older way to a card: a token, a source, changed and taken away."""
    card: Any = {"number": "5555555555554444", "exp_month": "12", "exp_year": "2040", "cvc": "123"}
    token = client.v1.tokens.create({"card": card})
    customer = client.v1.customers.create({"source": token.id})
    source = client.v1.customers.retrieve(customer.id, {"expand": ["sources"]}).sources.data[0]
    assert (source.brand, source.id) == ("MasterCard", customer.default_source)
    changed = client.v1.customers.payment_sources.update(customer.id, source.id, {"name": "Ada"})
    assert changed.name == "Ada"
    client.v1.customers.payment_sources.delete(customer.id, source.id)
    assert client.v1.customers.retrieve(customer.id).default_source is None


def test_portal_configurations(client: Any) -> None:
    """Made, changed, used by a session."""
    made = client.v1.billing_portal.configurations.create(
        {
            "features": {"invoice_history": {"enabled": True}},
            "business_profile": {"headline": "Tea"},
        }
    )
    assert made.features.invoice_history.enabled
    changed = client.v1.billing_portal.configurations.update(made.id, {"active": False})
    assert changed.active is False
    customer = client.v1.customers.create({})
    session = client.v1.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": made.id}
    )
    assert session.configuration == made.id
