"""What is sold, and a key that stops working, on the whole stage."""

import json
import secrets
from typing import Any

import httpx
import pytest

from local.shop import Shop
from local.stripe_settings import key_permissions

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def a_new_price(shop: Shop, unit_amount: int = 500) -> str:
    product = shop.stripe.v1.products.create({"name": "Tea"})
    price = shop.stripe.v1.prices.create(
        {"product": product.id, "unit_amount": unit_amount, "currency": "usd"}
    )
    return price.id


def buy(
    shop: Shop, price: str, *, key: str | None = None, order: str | None = None
) -> httpx.Response:
    """POST /payments for two of it."""
    return shop.http.post(
        "/payments",
        json={
            "order_id": order or f"order-{secrets.token_hex(6)}",
            "items": [{"price": price, "quantity": 2}],
        },
        headers={"Idempotency-Key": key or secrets.token_hex(8)},
    )


def listed(shop: Shop) -> dict[str, Any]:
    found = shop.http.get("/prices").raise_for_status().json()["prices"]
    return {price["id"]: price for price in found}


def test_a_price_is_sold_until_stripe_says_that_it_is_not(shop: Shop) -> None:
    """Its events reach the catalogue long before an entry's time (60 s here) is over."""
    listed(shop)
    price = a_new_price(shop)
    shown = shop.until(lambda: listed(shop).get(price), what="the new price is listed")
    assert (shown["name"], shown["amount_minor"], shown["interval"]) == ("Tea", 500, None)

    key, order = secrets.token_hex(8), f"order-{secrets.token_hex(6)}"
    bought = buy(shop, price, key=key, order=order)
    assert bought.status_code == 201, bought.text
    assert bought.json()["payment"]["amount_minor"] == 1000

    shop.stripe.v1.prices.update(price, {"active": False})
    shop.until(lambda: price not in listed(shop), what="the archived price is not listed")
    refused = shop.until(
        lambda: (r := buy(shop, price)).status_code == 400 and r, what="it is not sold"
    )
    assert refused.json()["error"]["fields"] == {"items.0.price": "is not sold any more"}
    again = buy(shop, price, key=key, order=order)
    assert (again.status_code, again.json()["payment"]["amount_minor"]) == (201, 1000)


def put_payments_key(shop: Shop, key: str) -> None:
    arn = shop.endpoints["outputs"]["PaymentsKeyArn"]
    shop.client("secretsmanager").put_secret_value(
        SecretId=arn, SecretString=json.dumps({"key": key, "created": None})
    )


def test_a_revoked_key_stops_payments_and_a_new_one_lets_them_go_on(shop: Shop) -> None:
    paid = shop.new_payment()
    arn = shop.endpoints["outputs"]["PaymentsKeyArn"]
    stored = shop.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    shop.control("DELETE", f"keys/{json.loads(stored)['key']}")
    order, key = f"order-{secrets.token_hex(6)}", secrets.token_hex(8)
    try:
        first = shop.post_payment(order_id=order, key=key)
        second = shop.post_payment(order_id=f"{order}-2", key=f"{key}2")
        for answer in (first, second):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "payments_blocked"
            assert int(answer.headers["retry-after"]) > 0
        assert shop.payment(paid["id"])["id"] == paid["id"]
        # Nothing but the first, which found out, has left a record.
        orders = [
            shop.http.get("/payments", params={"order_id": one}).json()["payments"]
            for one in (order, f"{order}-2")
        ]
        assert [len(found) for found in orders] == [1, 0]
        assert orders[0][0]["payment_intent_id"] is None
        # Webhooks are taken meanwhile.
        shop.confirm(paid["payment_intent_id"])
        shop.payment_when(paid["id"], "paid")
    finally:
        made = shop.control(
            "POST",
            "keys",
            {"permissions": key_permissions("payments"), "livemode": False},
        )
        put_payments_key(shop, made["key"])
    taken = shop.until(
        lambda: (r := shop.post_payment(order_id=order, key=key)).status_code == 201 and r,
        what="the payment goes on",
    )
    assert taken.json()["payment"]["id"] == orders[0][0]["id"]
    assert shop.post_payment(order_id=f"{order}-2", key=f"{key}2").status_code == 201
