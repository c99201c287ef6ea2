"""One order and money that came another way: strays, paid twice, another amount, no page."""

import json
import secrets
from typing import Any

import pytest

from local.shop import Shop

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def a_second_intent(shop: Shop, payment: dict[str, Any], *, confirm: bool = False) -> str:
    """Somebody copies the order's intent with all its metadata; Stripe lets them."""
    first = shop.stripe.v1.payment_intents.retrieve(payment["payment_intent_id"])
    params: Any = {"amount": 1999, "currency": "usd", "metadata": first.metadata.to_dict()}
    if confirm:
        params |= {
            "confirm": True,
            "payment_method": "pm_card_visa",
            "return_url": "https://shop.example/thanks",
        }
    return str(shop.stripe.v1.payment_intents.create(params).id)


def rows_about(shop: Shop, object_id: str) -> dict[str, dict[str, Any]]:
    """Event type -> the ledger's row, for each event about an object that reached us."""
    decided: dict[str, dict[str, Any]] = {
        e.type: shop.decided(e.id) for e in shop.events_about(object_id)
    }
    assert decided
    return decided


def test_a_second_intent_that_can_still_be_paid_is_told_and_cancelled(shop: Shop) -> None:
    payment = shop.new_payment()
    stray = a_second_intent(shop, payment)
    shop.until(
        lambda: shop.stripe.v1.payment_intents.retrieve(stray).status == "canceled",
        what="the second intent is cancelled at Stripe",
    )
    row = rows_about(shop, stray)["payment_intent.created"]
    assert (row["outcome"], row["reason"]) == ("superseded", "stray_intent")
    assert [e["type"] for e in json.loads(row["domain_events"])] == ["payment.stray_intent"]
    shop.confirm(payment["payment_intent_id"])
    shown = shop.payment_when(payment["id"], "paid")
    assert shown["payment_intent_id"] == payment["payment_intent_id"]


def test_an_order_that_was_paid_twice_keeps_its_first_payment_whole(shop: Shop) -> None:
    """It rings, the second one is given back in the Dashboard, and is none of the payment's."""
    payment = shop.new_payment()
    shop.confirm(payment["payment_intent_id"])
    paid = shop.payment_when(payment["id"], "paid")
    second = a_second_intent(shop, payment, confirm=True)
    row = rows_about(shop, second)["payment_intent.succeeded"]
    assert (row["outcome"], row["reason"]) == ("superseded", "paid_twice")
    refund = shop.stripe.v1.refunds.create({"payment_intent": second}).id
    assert rows_about(shop, refund)["refund.created"]["outcome"] == "superseded"
    assert shop.payment(payment["id"]) == paid
    alarms = shop.client("cloudwatch")
    shop.until(
        lambda: (
            alarms.describe_alarms(AlarmNames=["paidonce-local-paid-twice-worker"])["MetricAlarms"][
                0
            ]["StateValue"]
            == "ALARM"
        ),
        what="somebody is told",
    )


def test_another_amount_than_we_asked_is_never_paid(shop: Shop) -> None:
    """Another program with a key of this account changes the intent before it is paid."""
    payment = shop.new_payment()
    intent_id = payment["payment_intent_id"]
    shop.stripe.v1.payment_intents.update(intent_id, {"amount": 50})
    shop.confirm(intent_id)
    row = rows_about(shop, intent_id)["payment_intent.succeeded"]
    assert (row["outcome"], row["reason"]) == ("unchanged", "amount_mismatch")
    shown = shop.payment(payment["id"])
    assert (shown["status"], shown["amount_captured_minor"]) == ("pending", 0)


def test_a_page_that_expires_frees_its_order(shop: Shop) -> None:
    """Nobody has to cancel: the next request for the order opens another page."""
    order = f"order-{secrets.token_hex(6)}"
    product = shop.stripe.v1.products.create({"name": "Hat"}).id
    price = shop.stripe.v1.prices.create(
        {"product": product, "unit_amount": 1500, "currency": "usd"}
    )
    body = {
        "order_id": order,
        "items": [{"price": price.id, "quantity": 1}],
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
    }

    def asked() -> Any:
        key = {"Idempotency-Key": secrets.token_hex(8)}
        return shop.http.post("/checkout-sessions", json=body, headers=key)

    first = asked()
    assert first.status_code == 201, first.text
    (payment,) = shop.http.get("/payments", params={"order_id": order}).json()["payments"]
    shop.stripe.v1.checkout.sessions.expire(first.json()["id"])
    shop.payment_when(payment["id"], "canceled")
    again = asked()
    assert again.status_code == 201, again.text
    assert again.json()["id"] != first.json()["id"]
