"""Paused subscriptions."""

from typing import Any

import httpx

from tests.stripe.payers import kinds
from tests.stripe.subscribers import DAY, START, advance, payer, subscribe


def test_a_paused_collection_keeps_drafts(client: Any, price: Any, clock: Any) -> None:
    """`pause_collection` stops the money, not the subscription."""
    subscription = subscribe(client, payer(client, test_clock=clock.id), price)
    pause = {"pause_collection": {"behavior": "void"}}
    client.v1.subscriptions.update(subscription.id, pause)
    advance(client, clock, START + 31 * DAY)
    after = client.v1.subscriptions.retrieve(subscription.id)
    assert after.status == "active"
    assert client.v1.invoices.retrieve(after.latest_invoice).status == "void"


def test_a_trial_without_a_card_pauses(client: Any, price: Any, clock: Any) -> None:
    """`missing_payment_method: pause` pauses; resume bills the next period."""
    customer = client.v1.customers.create({"test_clock": clock.id})
    subscription = subscribe(
        client,
        customer,
        price,
        trial_period_days=2,
        trial_settings={"end_behavior": {"missing_payment_method": "pause"}},
    )
    advance(client, clock, START + 3 * DAY)
    paused = client.v1.subscriptions.retrieve(subscription.id)
    assert paused.status == "paused"
    assert "customer.subscription.paused" in kinds(client)
    assert client.v1.subscriptions.resume(subscription.id).status == "active"


def test_a_pause_on_demand(client: Any, price: Any, clock: Any) -> None:
    """Paused in the middle: half is credited; no renewal; resumed when the invoice is paid."""
    customer = payer(client, test_clock=clock.id)
    subscription = subscribe(client, customer, price)
    advance(client, clock, START + 15 * DAY)
    paused = client.v1.subscriptions.pause(subscription.id, {"type": "subscription"})
    assert paused.status == "paused"
    assert paused.status_details.paused.subscription.type == "pause_requested"
    credit = client.v1.invoice_items.list({"pending": True}).data
    assert [each.amount for each in credit] == [-500]
    advance(client, clock, START + 70 * DAY)
    assert len(client.v1.invoices.list({"subscription": subscription.id}).data) == 1
    resumed = client.v1.subscriptions.resume(
        subscription.id, {"payment_behavior": "resume_on_payment_success"}
    )
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert client.v1.invoices.retrieve(resumed.latest_invoice).amount_paid == 500
    assert "customer.subscription.resumed" in kinds(client)


def test_a_pause_is_endives(client: Any, price: Any, api: httpx.Client) -> None:
    """Dahlia does not know the path."""
    subscription = subscribe(client, payer(client), price)
    path = f"/v1/subscriptions/{subscription.id}/pause"
    older = {"Stripe-Version": "2026-08-26.dahlia"}
    assert api.post(path, headers=older).status_code == 404
    assert api.post(path).status_code == 200
