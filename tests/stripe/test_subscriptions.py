"""Subscriptions and the engine that moves them."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import stripe

from tests.stripe.payers import kinds
from tests.stripe.subscribers import DAY, START, advance, payer, subscribe


def test_a_subscription_begins_paid(client: Any, price: Any) -> None:
    """Active, its first invoice paid; the events tell it in order."""
    subscription = subscribe(client, payer(client), price)
    assert subscription.status == "active"
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice)
    assert (invoice.status, invoice.amount_paid) == ("paid", 1000)
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent.subscription_details.subscription == subscription.id
    told = kinds(client)
    assert told.index("customer.subscription.created") < told.index("invoice.paid")
    for kind in ("invoice.created", "invoice.finalized", "invoice.payment_succeeded"):
        assert kind in told
    updated = client.v1.events.list({"type": "customer.subscription.updated"}).data[0]
    assert updated.data.to_dict()["previous_attributes"]["status"] == "incomplete"


def test_default_incomplete_waits_for_the_payer(client: Any, price: Any) -> None:
    """The confirmation secret pays the first invoice; then it is active."""
    customer = client.v1.customers.create({})
    subscription = subscribe(
        client,
        customer,
        price,
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret", "latest_invoice.payments"],
    )
    assert subscription.status == "incomplete"
    secret = subscription.latest_invoice.confirmation_secret.client_secret
    intent_id = secret.split("_secret_")[0]
    payment = subscription.latest_invoice.payments.data[0].payment
    assert payment.payment_intent == intent_id
    client.v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})
    active = client.v1.subscriptions.retrieve(subscription.id)
    assert active.status == "active"
    assert active.default_payment_method


def test_an_unpaid_beginning_expires(client: Any, price: Any, clock: Any) -> None:
    """After 23 hours an incomplete subscription is over."""
    customer = client.v1.customers.create({"test_clock": clock.id})
    subscription = subscribe(client, customer, price, payment_behavior="default_incomplete")
    advance(client, clock, START + DAY)
    expired = client.v1.subscriptions.retrieve(subscription.id)
    assert expired.status == "incomplete_expired"
    assert client.v1.invoices.retrieve(subscription.latest_invoice).status == "void"


def test_without_a_card_it_does_not_begin(client: Any, price: Any) -> None:
    """400, and nothing was made."""
    customer = client.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        subscribe(client, customer, price)
    assert client.v1.subscriptions.list({"status": "all"}).data == []
    assert client.v1.invoices.list().data == []


def test_error_if_incomplete_leaves_nothing(client: Any, price: Any) -> None:
    """402, and no subscription."""
    customer = payer(client, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        subscribe(client, customer, price, payment_behavior="error_if_incomplete")
    assert client.v1.subscriptions.list({"status": "all"}).data == []


def test_a_declined_beginning_stays_incomplete(client: Any, price: Any) -> None:
    """`allow_incomplete` answers 200 with an open invoice."""
    subscription = subscribe(client, payer(client, "pm_card_chargeCustomerFail"), price)
    assert subscription.status == "incomplete"
    assert client.v1.invoices.retrieve(subscription.latest_invoice).status == "open"
    assert "invoice.payment_failed" in kinds(client)


def test_it_renews_by_the_clock(client: Any, price: Any, clock: Any) -> None:
    """A month later: a draft, an hour after it paid, and the next period."""
    subscription = subscribe(client, payer(client, test_clock=clock.id), price)
    december = START + 30 * DAY
    assert subscription["items"].data[0].current_period_end == december
    advance(client, clock, december + 60)
    draft = client.v1.invoices.list({"subscription": subscription.id}).data[0]
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    advance(client, clock, december + 2 * 3600)
    paid = client.v1.invoices.retrieve(draft.id)
    assert paid.status == "paid"
    renewed = client.v1.subscriptions.retrieve(subscription.id)
    assert renewed["items"].data[0].current_period_end == START + 61 * DAY
    assert "invoice.upcoming" in kinds(client)


def test_it_renews_by_the_accounts_clock_too(
    client: Any, price: Any, control: Callable[..., Any]
) -> None:
    """Without a test clock, `/_test/clock/advance` brings the renewals, each in its own time."""
    subscription = subscribe(client, payer(client), price)
    control("POST", "clock/advance", seconds=95 * DAY)
    invoices = client.v1.invoices.list({"subscription": subscription.id}).data
    assert [invoice.status for invoice in invoices] == ["paid"] * 4
    created = [invoice.created for invoice in invoices]
    assert all(28 * DAY <= newer - older <= 31 * DAY for newer, older in pairwise(created))


def test_a_failed_renewal_is_tried_again_and_ends(client: Any, price: Any, clock: Any) -> None:
    """Past due, three more attempts, then canceled."""
    customer = payer(client, test_clock=clock.id)
    subscription = subscribe(client, customer, price)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    advance(client, clock, START + 30 * DAY + 2 * 3600)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    advance(client, clock, START + 50 * DAY)
    ended = client.v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
    assert kinds(client).count("invoice.payment_failed") == 4


def test_why_a_renewal_failed_stands_four_levels_below_its_invoice(
    client: Any, price: Any, clock: Any
) -> None:
    """One level too deep for the subscription; it is gone once the invoice is paid."""
    customer = payer(client, test_clock=clock.id)
    subscription = subscribe(client, customer, price)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    advance(client, clock, START + 30 * DAY + 2 * 3600)
    path = "payments.data.payment.payment_intent"
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        client.v1.subscriptions.retrieve(subscription.id, {"expand": [f"latest_invoice.{path}"]})
    late = client.v1.subscriptions.retrieve(subscription.id)

    def intent() -> Any:
        shown = client.v1.invoices.retrieve(late.latest_invoice, {"expand": [path]})
        (payment,) = shown.payments.data
        assert payment.is_default
        return payment.payment.payment_intent

    error = intent().last_payment_error
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    client.v1.invoices.pay(late.latest_invoice, {"payment_method": "pm_card_visa"})
    assert intent().last_payment_error is None


def test_a_late_payment_makes_it_active_again(client: Any, price: Any, clock: Any) -> None:
    """Paying the open invoice with a good card ends past due."""
    customer = payer(client, test_clock=clock.id)
    subscription = subscribe(client, customer, price)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    advance(client, clock, START + 30 * DAY + 2 * 3600)
    late = client.v1.subscriptions.retrieve(subscription.id)
    client.v1.invoices.pay(late.latest_invoice, {"payment_method": "pm_card_visa"})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_trial_costs_nothing_until_it_ends(client: Any, price: Any, clock: Any) -> None:
    """Trialing over an empty invoice; three days before its end we are told; then it is billed."""
    subscription = subscribe(
        client, payer(client, test_clock=clock.id), price, trial_period_days=14
    )
    assert subscription.status == "trialing"
    assert client.v1.invoices.retrieve(subscription.latest_invoice).amount_due == 0
    advance(client, clock, START + 12 * DAY)
    assert kinds(client)[-2:-1] == ["customer.subscription.trial_will_end"]
    advance(client, clock, START + 14 * DAY + 2 * 3600)
    active = client.v1.subscriptions.retrieve(subscription.id)
    assert active.status == "active"
    assert client.v1.invoices.retrieve(active.latest_invoice).amount_paid == 1000


def test_a_change_is_prorated(client: Any, price: Any, clock: Any) -> None:
    """Half a month: half of the old price back, half of the new one, on the next invoice."""
    bigger = client.v1.prices.create(
        {
            "product": price.product,
            "currency": "usd",
            "unit_amount": 3000,
            "recurring": {"interval": "month"},
        }
    )
    subscription = subscribe(client, payer(client, test_clock=clock.id), price)
    advance(client, clock, START + 15 * DAY)
    item = subscription["items"].data[0].id
    change = {"items": [{"id": item, "price": bigger.id}]}
    client.v1.subscriptions.update(subscription.id, change)
    waiting = client.v1.invoice_items.list({"pending": True}).data
    assert sorted(each.amount for each in waiting) == [-500, 1500]
    preview = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert preview.amount_due == 4000
    assert client.v1.invoices.list().data[0].id == subscription.latest_invoice
    back = {"items": [{"id": item, "price": price.id}], "proration_behavior": "always_invoice"}
    billed = client.v1.subscriptions.update(subscription.id, back)
    invoice = client.v1.invoices.retrieve(billed.latest_invoice)
    assert (invoice.billing_reason, invoice.total) == ("subscription_update", 0)


def test_cancel_at_the_end_and_back(client: Any, price: Any, clock: Any) -> None:
    """Asked for, taken back, asked for again, done."""
    subscription = subscribe(client, payer(client, test_clock=clock.id), price)
    change = client.v1.subscriptions.update
    assert change(subscription.id, {"cancel_at_period_end": True}).cancel_at == START + 30 * DAY
    assert change(subscription.id, {"cancel_at_period_end": False}).canceled_at is None
    change(subscription.id, {"cancel_at_period_end": True})
    advance(client, clock, START + 30 * DAY)
    ended = client.v1.subscriptions.retrieve(subscription.id)
    assert ended.status == "canceled"
    assert kinds(client)[-2] == "customer.subscription.deleted"


def test_cancel_now(client: Any, price: Any) -> None:
    """Over at once; a second cancel finds nothing."""
    subscription = subscribe(client, payer(client), price)
    assert client.v1.subscriptions.cancel(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.subscriptions.cancel(subscription.id)
    assert error.value.code == "resource_missing"
    assert client.v1.subscriptions.list().data == []


def test_an_authentication_is_asked_for(client: Any, price: Any) -> None:
    """3184 on a subscription: incomplete, and the customer has to act."""
    subscription = subscribe(client, payer(client, "pm_card_authenticationRequired"), price)
    assert subscription.status == "incomplete"
    assert "invoice.payment_action_required" in kinds(client)


def test_a_coupon_makes_it_cheaper(client: Any, price: Any) -> None:
    """A quarter off the first invoice."""
    coupon = client.v1.coupons.create({"percent_off": 25})
    subscription = subscribe(client, payer(client), price, discounts=[{"coupon": coupon.id}])
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice)
    assert (invoice.subtotal, invoice.total) == (1000, 750)


def test_a_trial_without_a_card_asks_for_one_by_a_setup_intent(client: Any, price: Any) -> None:
    """Expanded it carries the browser's secret; the card that was set up pays from then on."""
    customer = client.v1.customers.create({"email": "tea@example.com"})
    made = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "trial_period_days": 7,
            "expand": ["pending_setup_intent"],
        }
    )
    setup = made.pending_setup_intent
    assert (setup.status, setup.customer) == ("requires_payment_method", customer.id)
    assert setup.client_secret.startswith(f"{setup.id}_secret_")
    client.v1.setup_intents.confirm(
        setup.id, {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"}
    )
    after = client.v1.subscriptions.retrieve(made.id)
    assert after.pending_setup_intent is None
    method = client.v1.payment_methods.retrieve(after.default_payment_method)
    assert method.customer == customer.id
