"""Every route and error of the API over HTTP: clear codes, and what is refused changes nothing."""

import secrets
from typing import Any

import httpx
import pytest

from local.cloud import LocalCloud
from local.shop import Shop

CARD = "4242424242424242"


def code_of(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["code"]
    return found


def as_caller(cloud: LocalCloud, shop: Shop, *, scopes: list[str], sub: str) -> httpx.Client:
    token = cloud.token(scopes=scopes, sub=sub)
    return httpx.Client(
        base_url=shop.endpoints["api_url"],
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -5}, "amount_minor"),
        ({"amount_minor": 19.99}, "amount_minor"),
        ({"amount_minor": "1999"}, "amount_minor"),
        ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": 10**12}, "amount_minor"),
        ({"amount_minor": None}, "amount_minor"),
        ({"currency": "xxx"}, "currency"),
        ({"currency": "USD "}, "currency"),
        ({"order_id": ""}, "order_id"),
        ({"surprise": 1}, "surprise"),
        ({"description": f"card {CARD}"}, "description"),
        ({"metadata": {"note": "4242 4242 4242 4242"}}, "metadata"),
        ({"metadata": {"paidonce_stage": "prod"}}, "metadata"),
        ({"number": CARD}, "number"),
    ],
)
def test_a_wrong_body_is_400_and_names_its_field(
    shop: Shop, changes: dict[str, Any], field: str
) -> None:
    order_id = f"order-{secrets.token_hex(6)}"
    answer = shop.post_payment(**({"order_id": order_id} | changes))
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert any(name.startswith(field) for name in answer.json()["error"]["fields"])
    assert CARD not in answer.text
    assert shop.http.get("/payments", params={"order_id": order_id}).json()["payments"] == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"order_id": ' + b"[" * 50_000]
)
def test_a_body_that_is_no_json_object_is_400(shop: Shop, content: bytes) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(8), "Content-Type": "application/json"}
    answer = shop.http.post("/payments", content=content, headers=headers)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")


def test_a_body_over_64_kib_is_413(shop: Shop) -> None:
    answer = shop.post_payment(order_id="big", description="x" * 70_000)
    assert (answer.status_code, code_of(answer)) == (413, "too_large")


def test_an_idempotency_key_is_required(shop: Shop) -> None:
    body = {"order_id": "keyless", "amount_minor": 100, "currency": "usd"}
    answer = shop.http.post("/payments", json=body)
    assert (answer.status_code, code_of(answer)) == (400, "idempotency_key_missing")
    long = shop.http.post("/payments", json=body, headers={"Idempotency-Key": "k" * 256})
    assert code_of(long) == "idempotency_key_missing"


def test_the_same_key_with_another_body_is_a_conflict(shop: Shop) -> None:
    key, order = secrets.token_hex(8), f"order-{secrets.token_hex(6)}"
    assert shop.post_payment(order_id=order, key=key).status_code == 201
    answer = shop.post_payment(order_id=order, key=key, amount_minor=5000)
    assert (answer.status_code, code_of(answer)) == (409, "idempotency_conflict")


def test_the_same_key_and_body_answer_the_same_payment(shop: Shop) -> None:
    key, order = secrets.token_hex(8), f"order-{secrets.token_hex(6)}"
    first = shop.post_payment(order_id=order, key=key)
    again = shop.post_payment(order_id=order, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["payment"]["id"] == first.json()["payment"]["id"]
    assert again.json()["client_secret"] == first.json()["client_secret"]


def test_another_key_for_the_order_goes_on_or_is_refused(shop: Shop) -> None:
    order = f"order-{secrets.token_hex(6)}"
    first = shop.post_payment(order_id=order)
    same = shop.post_payment(order_id=order)
    assert (same.status_code, same.json()["payment"]) == (200, first.json()["payment"])
    other = shop.post_payment(order_id=order, amount_minor=5000)
    assert (other.status_code, code_of(other)) == (409, "order_in_progress")


def test_a_payment_is_read_by_id_and_by_order(shop: Shop) -> None:
    payment = shop.new_payment()
    assert shop.payment(payment["id"]) == payment
    found = shop.http.get("/payments", params={"order_id": payment["order_id"]})
    assert [p["id"] for p in found.json()["payments"]] == [payment["id"]]
    secret = shop.http.get(f"/payments/{payment['id']}/client-secret")
    assert secret.json()["client_secret"].startswith(payment["payment_intent_id"])


def test_what_is_not_there_is_404(shop: Shop) -> None:
    for path in ("/payments/pay_nobody", "/payments/pay_nobody/client-secret"):
        answer = shop.http.get(path)
        assert (answer.status_code, code_of(answer)) == (404, "not_found")


def test_a_shopper_sees_only_what_is_hers(cloud: LocalCloud, shop: Shop) -> None:
    scopes = ["payments:read", "payments:write", "payments:amount"]
    anna = as_caller(cloud, shop, scopes=scopes, sub="anna")
    bert = as_caller(cloud, shop, scopes=scopes, sub="bert")
    body = {"order_id": "annas", "amount_minor": 700, "currency": "usd"}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    made = anna.post("/payments", json=body, headers=headers)
    assert made.status_code == 201
    payment = made.json()["payment"]
    assert payment["user_id"] == "anna"
    assert anna.get(f"/payments/{payment['id']}").status_code == 200
    assert bert.get(f"/payments/{payment['id']}").status_code == 404
    assert bert.get(f"/payments/{payment['id']}/client-secret").status_code == 404
    assert bert.get("/payments", params={"order_id": "annas"}).json()["payments"] == []
    # The same key and order of another caller are another payment.
    other = bert.post("/payments", json=body, headers=headers)
    assert other.status_code == 201
    assert other.json()["payment"]["id"] != payment["id"]
    assert code_of(
        bert.post("/payments", json=body | {"user_id": "anna"}, headers={"Idempotency-Key": "x"})
    ) in ("forbidden", "not_found")


def test_tokens_open_only_what_their_scopes_say(cloud: LocalCloud, shop: Shop) -> None:
    payment = shop.new_payment()
    path = f"/payments/{payment['id']}"
    reader = as_caller(cloud, shop, scopes=["payments:read", "payments:any"], sub="reader")
    assert reader.get(path).status_code == 200
    body = {"order_id": "o", "amount_minor": 100, "currency": "usd"}
    assert reader.post("/payments", json=body, headers={"Idempotency-Key": "a"}).status_code == 403
    writer = as_caller(cloud, shop, scopes=["payments:write"], sub="writer")
    assert writer.get(path).status_code == 403
    # An amount of one's own choosing needs a scope of its own.
    refused = writer.post("/payments", json=body, headers={"Idempotency-Key": "b"})
    assert (refused.status_code, code_of(refused)) == (403, "forbidden")


def test_no_token_a_wrong_one_and_an_expired_one_are_401(cloud: LocalCloud, shop: Shop) -> None:
    url = f"{shop.endpoints['api_url']}/payments/pay_1"
    expired = cloud.token(scopes=["payments:read"], sub="late", expires_in_seconds=-60)
    good = shop.endpoints["token"]
    for token in (None, "garbage", good[:-4] + "AAAA", expired):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert httpx.get(url, headers=headers, timeout=30).status_code == 401


def test_config_and_the_openapi_document_need_no_token(shop: Shop) -> None:
    config = httpx.get(f"{shop.endpoints['api_url']}/config", timeout=30)
    assert config.json() == {"publishable_key": shop.endpoints["publishable_key"], "stage": "local"}
    document = httpx.get(f"{shop.endpoints['api_url']}/openapi.json", timeout=30).json()
    assert document["openapi"].startswith("3.")
    assert "/payments/{payment_id}" in document["paths"] or "/payments/{id}" in document["paths"]
