"""Customers, subscriptions and sessions over HTTP on the whole stage."""

import secrets
from typing import Any

import httpx
import pytest

from local.cloud import LocalCloud
from local.shop import Shop

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def post(shop: Shop, path: str, body: dict[str, Any], *, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or secrets.token_hex(8)}
    return shop.http.post(path, json=body, headers=headers)


def new_customer(shop: Shop) -> dict[str, Any]:
    user_id = f"user-{secrets.token_hex(6)}"
    body = {"user_id": user_id, "email": f"{user_id}@shop.example", "name": "Anna"}
    answer = post(shop, "/customers", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["customer"]
    return found


def new_price(shop: Shop, minor: int, *, interval: str | None = None) -> str:
    params: dict[str, Any] = {
        "currency": "usd",
        "unit_amount": minor,
        "product_data": {"name": f"Hat {secrets.token_hex(3)}"},
    }
    if interval is not None:
        params["recurring"] = {"interval": interval}
    return shop.stripe.v1.prices.create(params).id  # type: ignore[arg-type]  # built by the case


def test_a_user_has_one_customer(shop: Shop) -> None:
    """Made with our marks; another key finds it; the answer stands in the ledger."""
    customer = new_customer(shop)
    at_stripe = shop.stripe.v1.customers.retrieve(customer["id"])
    metadata = at_stripe.metadata
    assert metadata is not None
    assert metadata["paidonce_user"] == customer["user_id"]
    assert metadata["paidonce_stage"] == shop.endpoints["stage"]
    other = post(shop, "/customers", {"user_id": customer["user_id"]})
    assert (other.status_code, other.json()["customer"]) == (200, customer)
    assert shop.http.get(f"/customers/{customer['id']}").json()["customer"] == customer


def test_an_answer_that_was_lost_makes_no_second_customer(shop: Shop) -> None:
    body = {"user_id": f"user-{secrets.token_hex(6)}"}
    fault = {"method": "POST", "path": "/v1/customers", "kind": "lost_after", "times": 1}
    shop.control("POST", "faults", fault)
    try:
        answer = post(shop, "/customers", body, key="lost-" + body["user_id"])
    finally:
        shop.control("DELETE", "faults")
    assert answer.status_code in (201, 202)
    again = post(shop, "/customers", body, key="lost-" + body["user_id"])
    assert again.status_code == 201
    made = [
        found.id
        for found in shop.stripe.v1.customers.list({"limit": 100}).auto_paging_iter()
        if found.to_dict().get("metadata", {}).get("paidonce_user") == body["user_id"]
    ]
    assert made == [again.json()["customer"]["id"]]


def test_a_shopper_sees_only_what_is_hers(cloud: LocalCloud, shop: Shop) -> None:
    customer = new_customer(shop)
    token = cloud.token(scopes=["customers:read", "customers:write"], sub="bert")
    bert = httpx.Client(
        base_url=shop.endpoints["api_url"],
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(8)},
        timeout=30,
    )
    assert bert.get(f"/customers/{customer['id']}").status_code == 404
    own = bert.post("/customers", json={"user_id": "anna"})
    assert (own.status_code, own.json()["error"]["code"]) == (403, "forbidden")


def test_a_portal_opens(shop: Shop) -> None:
    body = {"customer_id": new_customer(shop)["id"], "return_url": "https://shop.example/account"}
    answer = post(shop, "/portal-sessions", body, key="portal-" + body["customer_id"])
    assert answer.status_code == 201, answer.text
    assert httpx.get(answer.json()["url"], timeout=30, trust_env=False).is_success
    again = post(shop, "/portal-sessions", body, key="portal-" + body["customer_id"])
    assert (again.status_code, again.json()) == (201, answer.json())


def test_a_subscription_is_paid_changed_and_ended(shop: Shop) -> None:
    customer = new_customer(shop)
    small, large = (new_price(shop, minor, interval="month") for minor in (1000, 2500))
    body = {"customer_id": customer["id"], "items": [{"price": small, "quantity": 1}]}
    key = secrets.token_hex(8)
    begun = post(shop, "/subscriptions", body, key=key)
    assert begun.status_code == 201, begun.text
    found, secret = begun.json()["subscription"], begun.json()["client_secret"]
    assert (found["status"], found["entitled"]) == ("incomplete", False)
    again = post(shop, "/subscriptions", body, key=key)
    assert (again.status_code, again.json()["client_secret"]) == (201, secret)
    shop.confirm(secret.partition("_secret_")[0])
    path = f"/subscriptions/{found['id']}"
    items = [{"price": large, "quantity": 2}]
    changed = post(shop, path, {"items": items})
    assert changed.status_code == 200, changed.text
    shown = changed.json()["subscription"]
    assert (shown["items"], shown["status"], shown["entitled"]) == (items, "active", True)
    ending = shop.http.delete(path, params={"at_period_end": "true"})
    assert ending.json()["subscription"]["cancel_at_period_end"] is True
    resumed = post(shop, path, {"cancel_at_period_end": False})
    assert resumed.json()["subscription"]["cancel_at_period_end"] is False
    ended = shop.http.delete(path)
    assert (ended.status_code, ended.json()["subscription"]["status"]) == (200, "canceled")
    assert shop.http.delete(path).json() == ended.json()
    assert post(shop, path, {"items": items}).json()["error"]["code"] == "state_conflict"


def test_a_trial_sets_no_price_on_the_first_days(shop: Shop) -> None:
    price = new_price(shop, 1000, interval="month")
    body = {"customer_id": new_customer(shop)["id"], "items": [{"price": price, "quantity": 1}]}
    begun = post(shop, "/subscriptions", body | {"trial_days": 14})
    assert begun.status_code == 201, begun.text
    found = begun.json()["subscription"]
    assert (found["status"], found["entitled"]) == ("trialing", True)
    assert found["trial_end"] is not None


def test_an_order_is_paid_on_stripes_page(shop: Shop) -> None:
    """The payment is recorded first; the page's intent carries our marks; its webhook pays it."""
    order = f"order-{secrets.token_hex(6)}"
    body = {
        "order_id": order,
        "items": [{"price": new_price(shop, 1500), "quantity": 2}],
        "success_url": "https://shop.example/thanks",
        "cancel_url": "http://localhost:5173/cart",
    }
    opened = post(shop, "/checkout-sessions", body)
    assert opened.status_code == 201, opened.text
    (payment,) = shop.http.get("/payments", params={"order_id": order}).json()["payments"]
    assert (payment["amount_minor"], payment["status"]) == (3000, "pending")
    session_id = opened.json()["id"]
    pay = httpx.post(
        f"{shop.endpoints['stripe_api_url']}/v1/payment_pages/{session_id}/confirm",
        headers={"Authorization": f"Bearer {shop.endpoints['publishable_key']}"},
        data={"payment_method": "pm_card_visa", "expected_amount": "3000"},
        timeout=30,
        trust_env=False,
    )
    assert pay.is_success, pay.text
    paid = shop.payment_when(payment["id"], "paid")
    assert paid["payment_intent_id"] is not None
    over = post(shop, "/checkout-sessions", body)
    assert over.json()["error"]["code"] == "state_conflict"


def test_a_page_is_closed_by_a_cancel_and_the_order_is_free(shop: Shop) -> None:
    order = f"order-{secrets.token_hex(6)}"
    body = {
        "order_id": order,
        "items": [{"price": new_price(shop, 1500), "quantity": 1}],
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
    }
    opened = post(shop, "/checkout-sessions", body)
    (payment,) = shop.http.get("/payments", params={"order_id": order}).json()["payments"]
    canceled = post(shop, f"/payments/{payment['id']}/cancel", {})
    assert canceled.json()["payment"]["status"] == "canceled", canceled.text
    session = shop.stripe.v1.checkout.sessions.retrieve(opened.json()["id"])
    assert session.status == "expired"
    assert post(shop, "/checkout-sessions", body).status_code == 201
