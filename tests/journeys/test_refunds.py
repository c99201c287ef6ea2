"""Refunds on the local cloud: parts, repeats, storms, faults, and money that comes back."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.cloud import LocalCloud
from local.shop import Shop

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]

# What a caller may be told in a storm; 429 of the gateway is none of them here.
TOLD = {201, 202, 409, 503}


def paid(shop: Shop, *, card: str = "pm_card_visa", amount_minor: int = 1000) -> dict[str, Any]:
    """A payment that the shopper has paid, once our row says so."""
    payment = shop.new_payment(amount_minor=amount_minor)
    shop.confirm(payment["payment_intent_id"], card)
    return shop.payment_when(payment["id"], "paid")


def refund(shop: Shop, payment_id: str, *, key: str | None = None, **body: Any) -> httpx.Response:
    return shop.http.post(
        "/refunds",
        json={"payment_id": payment_id} | body,
        headers={"Idempotency-Key": key or secrets.token_hex(8)},
    )


def at_stripe(shop: Shop, payment: dict[str, Any]) -> list[Any]:
    """What Stripe holds for the payment's charge."""
    return list(shop.stripe.v1.refunds.list({"charge": payment["charge_id"]}).auto_paging_iter())


def refunded_when(shop: Shop, payment_id: str, amount_minor: int) -> dict[str, Any]:
    return shop.until(
        lambda: (p := shop.payment(payment_id))["amount_refunded_minor"] == amount_minor and p,
        what=f"{payment_id} shows {amount_minor} as refunded",
    )


def test_a_payment_is_refunded_in_two_parts_and_no_more(shop: Shop) -> None:
    payment = paid(shop)
    first = refund(shop, payment["id"], amount_minor=300, reason="requested_by_customer")
    assert first.status_code == 201
    assert first.json()["refund"]["status"] == "succeeded"
    assert refund(shop, payment["id"], amount_minor=701).json()["error"]["code"] == "state_conflict"
    rest = refund(shop, payment["id"])
    assert rest.json()["refund"]["amount_minor"] == 700
    assert refund(shop, payment["id"]).status_code == 409
    assert sorted(made.amount for made in at_stripe(shop, payment)) == [300, 700]
    shown = shop.http.get(f"/refunds/{rest.json()['refund']['id']}").json()["refund"]
    assert shown == rest.json()["refund"]
    # Every event of Stripe's about them is decided, and changed nothing that was known before.
    for made in at_stripe(shop, payment):
        for event in shop.events_about(made.id):
            assert shop.decided(event.id)["aggregate_id"] == payment["id"]
    assert shop.payment(payment["id"])["amount_refunded_minor"] == 1000


def test_a_repeat_refunds_once_and_says_so(shop: Shop) -> None:
    payment, key = paid(shop), secrets.token_hex(8)
    first = refund(shop, payment["id"], key=key, amount_minor=400)
    again = refund(shop, payment["id"], key=key, amount_minor=400)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["refund"]["id"] == first.json()["refund"]["id"]
    other = refund(shop, payment["id"], key=key, amount_minor=401)
    assert other.json()["error"]["code"] == "idempotency_conflict"
    assert len(at_stripe(shop, payment)) == 1


def test_a_refund_of_the_dashboard_appears(shop: Shop) -> None:
    payment = paid(shop)
    made = shop.stripe.v1.refunds.create({"charge": payment["charge_id"], "amount": 250})
    seen = refunded_when(shop, payment["id"], 250)
    assert seen["refunds"][0]["id"] == made.id
    assert shop.http.get(f"/refunds/{made.id}").json()["refund"]["amount_minor"] == 250


def test_a_refund_that_fails_after_success_is_shown_as_not_refunded(shop: Shop) -> None:
    payment = paid(shop)
    made = refund(shop, payment["id"], amount_minor=600).json()["refund"]
    assert shop.payment(payment["id"])["amount_refunded_minor"] == 600
    shop.control("POST", f"refunds/{made['stripe_refund_id']}/fail", {})
    seen = refunded_when(shop, payment["id"], 0)
    assert [r["status"] for r in seen["refunds"]] == ["failed"]
    assert refund(shop, payment["id"]).json()["refund"]["amount_minor"] == 1000


def test_stripe_s_refusal_frees_the_amount(shop: Shop) -> None:
    payment = paid(shop)
    shop.control("POST", "deliveries", {"hold": True})
    try:
        shop.stripe.v1.refunds.create({"charge": payment["charge_id"]})
        refused = refund(shop, payment["id"], amount_minor=100)
    finally:
        shop.control("POST", "deliveries/release", {"order": "forward", "copies": 1})
        shop.control("POST", "deliveries", {"hold": False})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "state_conflict")
    seen = refunded_when(shop, payment["id"], 1000)
    assert sorted(r["status"] for r in seen["refunds"]) == ["failed", "succeeded"]


def test_what_is_another_s_is_not_there(cloud: LocalCloud, shop: Shop) -> None:
    payment = paid(shop)
    made = refund(shop, payment["id"], amount_minor=100).json()["refund"]
    scopes = ["refunds:read", "refunds:write"]
    stranger = {"Authorization": f"Bearer {cloud.token(scopes=scopes, sub='a stranger')}"}
    url = shop.endpoints["api_url"]
    assert httpx.get(f"{url}/refunds/{made['id']}", headers=stranger).status_code == 404
    asked = httpx.post(
        f"{url}/refunds",
        json={"payment_id": payment["id"]},
        headers=stranger | {"Idempotency-Key": "x"},
        timeout=30,
    )
    assert asked.status_code == 404


def test_a_storm_of_parts_with_lost_answers_never_exceeds_the_charge(shop: Shop) -> None:
    payment = paid(shop)
    keys = [secrets.token_hex(8) for _ in range(14)]
    for kind in ("lost_after", "lost_before", "503", "429"):
        shop.control(
            "POST", "faults", {"method": "POST", "path": "/v1/refunds", "kind": kind, "times": 3}
        )

    def ask(key: str) -> int:
        return refund(shop, payment["id"], key=key, amount_minor=90).status_code

    try:
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(ask, keys * 2))
    finally:
        shop.control("DELETE", "faults")
    assert set(told) <= TOLD
    # Whoever was told to come again does; what nobody asks for, run_operation ends.
    shop.until(lambda: {ask(key) for key in keys} <= {201, 409} or None, what="each key ends")
    made = at_stripe(shop, payment)
    assert sum(r.amount for r in made) == 990
    assert len({r.metadata["paidonce_refund"] for r in made}) == len(made) == 11
    assert refunded_when(shop, payment["id"], 990)
