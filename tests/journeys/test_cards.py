"""Stripe's five test cards, typed in a browser: what each comes to, and what the shopper reads."""

import secrets
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from local.shop import Shop

PAYS = "4242424242424242"
NEEDS_3DS = "4000002500003155"
TRY_ANOTHER = "try a different payment method."
DECLINED = {
    "4000000000000002": (
        "generic_decline",
        f"Your card was declined. Please contact your card issuer or {TRY_ANOTHER}",
    ),
    "4000000000009995": (
        "insufficient_funds",
        "Your card has insufficient funds. Please try a different payment method.",
    ),
    "4000000000000069": (
        "expired_card",
        "Your card has expired. Please try a different payment method.",
    ),
}


def asked(shop: Shop, *, order_id: str | None = None, amount_minor: int = 1999) -> dict[str, Any]:
    """What POST /payments answers: the payment, and the secret for the browser."""
    order_id = order_id or f"order-{secrets.token_hex(6)}"
    answer = shop.post_payment(order_id=order_id, amount_minor=amount_minor)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    found: dict[str, Any] = answer.json()
    return found


def typed(shop: Shop, made: Mapping[str, Any], number: str) -> httpx.Response:
    """The browser confirms with what the shopper typed: publishable key and client secret only."""
    intent_id = made["payment"]["payment_intent_id"]
    return httpx.post(
        f"{shop.endpoints['stripe_api_url']}/v1/payment_intents/{intent_id}/confirm",
        headers={"Authorization": f"Bearer {shop.endpoints['publishable_key']}"},
        data={
            "client_secret": made["client_secret"],
            "return_url": "https://shop.example/thanks",
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": number,
            "payment_method_data[card][exp_month]": "12",
            "payment_method_data[card][exp_year]": "2034",
            "payment_method_data[card][cvc]": "123",
        },
        timeout=30,
    )


def charges(shop: Shop, made: Mapping[str, Any]) -> list[str]:
    """The status of every charge that Stripe made for the payment, the oldest first."""
    intent_id = made["payment"]["payment_intent_id"]
    listed = shop.stripe.v1.charges.list({"payment_intent": intent_id})
    return [charge.status for charge in listed.data][::-1]


def test_4242_pays(shop: Shop) -> None:
    made = asked(shop)
    assert typed(shop, made, PAYS).json()["status"] == "succeeded"
    paid = shop.payment_when(made["payment"]["id"], "paid")
    assert (paid["amount_captured_minor"], paid["last_error"]) == (1999, None)
    assert paid["charge_id"]
    assert charges(shop, made) == ["succeeded"]


@pytest.mark.parametrize("number", DECLINED)
def test_a_declined_card_tells_the_shopper_why_and_another_one_pays(
    shop: Shop, number: str
) -> None:
    """The sentence is ours, in each of the ways to read it; Stripe's own words are in none."""
    decline_code, sentence = DECLINED[number]
    made = asked(shop)
    refused = typed(shop, made, number)
    assert refused.status_code == httpx.codes.PAYMENT_REQUIRED
    failed = shop.payment_when(made["payment"]["id"], "failed")
    assert failed["last_error"]["message"] == sentence
    assert decline_code in (failed["last_error"]["decline_code"], failed["last_error"]["code"])
    order_id = failed["order_id"]
    (listed,) = shop.http.get("/payments", params={"order_id": order_id}).json()["payments"]
    assert listed == failed
    # The order asked for again goes on with the same intent.
    again = shop.post_payment(order_id=order_id)
    assert (again.status_code, again.json()["client_secret"]) == (200, made["client_secret"])
    assert typed(shop, made, PAYS).json()["status"] == "succeeded"
    paid = shop.payment_when(made["payment"]["id"], "paid")
    assert (paid["payment_intent_id"], paid["last_error"]) == (failed["payment_intent_id"], None)
    assert charges(shop, made) == ["failed", "succeeded"]


def test_the_sentences_differ() -> None:
    assert len({sentence for _, sentence in DECLINED.values()}) == len(DECLINED)


def challenged(shop: Shop) -> dict[str, Any]:
    """A payment whose shopper looks at the bank's page."""
    made = asked(shop)
    assert typed(shop, made, NEEDS_3DS).json()["status"] == "requires_action"
    shop.payment_when(made["payment"]["id"], "requires_action")
    return made


def test_3155_that_was_abandoned_is_finished_by_the_webhook_alone(shop: Shop) -> None:
    """The shopper closes the browser and confirms in the bank's app: nobody calls us any more."""
    made = challenged(shop)
    waiting = shop.payment(made["payment"]["id"])
    assert waiting["charge_id"] is None
    intent_id = waiting["payment_intent_id"]
    shop.control("POST", f"authenticate/{intent_id}", {"outcome": "succeed"})
    (event,) = [
        event for event in shop.events_about(intent_id) if event.type == "payment_intent.succeeded"
    ]
    assert shop.decided(event.id)["outcome"] == "applied"
    paid = shop.payment(made["payment"]["id"])
    assert (paid["status"], paid["amount_captured_minor"]) == ("paid", 1999)
    assert charges(shop, made) == ["succeeded"]


def test_3155_that_fails_at_the_bank_is_told_and_can_be_paid_with_another_card(
    shop: Shop,
) -> None:
    made = challenged(shop)
    intent_id = made["payment"]["payment_intent_id"]
    shop.control("POST", f"authenticate/{intent_id}", {"outcome": "fail"})
    failed = shop.payment_when(made["payment"]["id"], "failed")
    assert failed["last_error"]["code"] == "payment_intent_authentication_failure"
    assert failed["last_error"]["message"].endswith(".")
    assert typed(shop, made, PAYS).json()["status"] == "succeeded"
    shop.payment_when(made["payment"]["id"], "paid")
    assert charges(shop, made)[-1:] == ["succeeded"]


@pytest.mark.parametrize("begun", [False, True], ids=["untouched", "in the middle of 3D Secure"])
def test_a_payment_changed_leaves_one_that_can_be_paid(shop: Shop, begun: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    """Another amount: canceled, then asked for anew with a new key; only the new one is payable."""
    old = challenged(shop) if begun else asked(shop)
    order_id = old["payment"]["order_id"]
    refused = shop.post_payment(order_id=order_id, amount_minor=2999)
    assert refused.json()["error"]["code"] == "order_in_progress"
    canceled = shop.http.post(
        f"/payments/{old['payment']['id']}/cancel",
        json={},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    assert (canceled.status_code, canceled.json()["payment"]["status"]) == (200, "canceled")
    new = asked(shop, order_id=order_id, amount_minor=2999)
    assert new["payment"]["id"] != old["payment"]["id"]
    assert new["payment"]["payment_intent_id"] != old["payment"]["payment_intent_id"]
    late = typed(shop, old, PAYS)
    assert late.json()["error"]["code"] == "payment_intent_unexpected_state"
    assert typed(shop, new, PAYS).json()["status"] == "succeeded"
    paid = shop.payment_when(new["payment"]["id"], "paid")
    assert (paid["amount_captured_minor"], paid["order_id"]) == (2999, order_id)
    assert shop.payment(old["payment"]["id"])["status"] == "canceled"
    (listed,) = shop.http.get("/payments", params={"order_id": order_id}).json()["payments"]
    assert listed["id"] == paid["id"]
