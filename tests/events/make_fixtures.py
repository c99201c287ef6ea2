"""Writes tests/events/stripe/<type>.json: one event per type that has a rule, made by the stand-in.

Run it when a rule for a new type is added: .venv/bin/python -m tests.events.make_fixtures
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import stripe
from paidonce import rules
from paidonce.domain import rulebook

from local.stripe.application import Settings
from local.stripe.server import running

FOLDER = Path(__file__).parent / "stripe"
KEY = "sk_" + "test_" + "fixtures0000000000"
MARKS = {"paidonce_stage": "test", "paidonce_payment": "pay_1", "paidonce_attempt": "1"}


def lives_of_an_intent(client: stripe.StripeClient) -> None:
    """Every way that a payment intent of ours can go."""

    def intent(card: str, **more: str) -> stripe.PaymentIntent:
        made = client.v1.payment_intents.create(
            {"amount": 1000, "currency": "usd", "metadata": MARKS, **more}  # type: ignore[typeddict-item] # capture_method
        )
        with suppress(stripe.CardError):
            client.v1.payment_intents.confirm(
                made.id, {"payment_method": card, "return_url": "https://shop.example/thanks"}
            )
        return made

    intent("pm_card_visa")
    intent("pm_card_chargeDeclinedInsufficientFunds")
    intent("pm_card_authenticationRequired")
    intent("pm_card_visa", capture_method="manual")
    client.v1.payment_intents.cancel(intent("pm_card_chargeDeclined").id)


def lives_of_a_refund(client: stripe.StripeClient, url: str) -> None:
    """A refund of ours that succeeds, and comes back from the bank afterwards."""
    paid = client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "usd",
            "metadata": MARKS,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "https://shop.example/thanks",
        }
    )
    marks = {**MARKS, "paidonce_refund": "ref_1"}
    del marks["paidonce_attempt"]
    made = client.v1.refunds.create(
        {"charge": str(paid.latest_charge), "amount": 400, "metadata": marks}
    )
    bearer = {"Authorization": f"Bearer {KEY}"}
    httpx.post(f"{url}/_test/refunds/{made.id}/fail", headers=bearer).raise_for_status()


def lives_of_a_price(client: stripe.StripeClient) -> None:
    """A price and its product, changed; and a product that nobody ever sold, deleted."""
    product = client.v1.products.create({"name": "Tea"})
    price = client.v1.prices.create({"product": product.id, "unit_amount": 500, "currency": "usd"})
    client.v1.prices.update(price.id, {"active": False})
    client.v1.products.update(product.id, {"name": "Green tea"})
    client.v1.products.delete(client.v1.products.create({"name": "Nothing"}).id)


def deleted(event: dict[str, Any]) -> dict[str, Any]:
    """A price's end, which Stripe tells of although no call of its API makes it."""
    return event | {"type": "price.deleted", "data": {"object": event["data"]["object"]}}


def processing(event: dict[str, Any]) -> dict[str, Any]:
    """What a bank debit's event looks like; the stand-in takes cards only, which never process."""
    data = {"object": event["data"]["object"] | {"status": "processing", "next_action": None}}
    return event | {"type": "payment_intent.processing", "data": data}


def main() -> None:
    """Keep the first event of each type that has a rule."""
    rulebook.load(rules)
    wanted = set(rulebook.event_types())
    with running(Settings()) as url:
        client = stripe.StripeClient(KEY, base_addresses={"api": url})
        lives_of_an_intent(client)
        lives_of_a_price(client)
        lives_of_a_refund(client, url)
        answer = httpx.get(f"{url}/v1/events", params={"limit": 100}, auth=(KEY, ""))
    made = answer.raise_for_status().json()["data"]
    action = next(event for event in made if event["type"] == "payment_intent.requires_action")
    price = next(event for event in made if event["type"] == "price.updated")
    for event in [*reversed(made), processing(action), deleted(price)]:
        if event["type"] in wanted:
            wanted.discard(event["type"])
            path = FOLDER / f"{event['type']}.json"
            path.write_text(json.dumps(event, indent=2, sort_keys=True) + "\n")
    if wanted:
        raise SystemExit(f"the stand-in made none of {sorted(wanted)}")


if __name__ == "__main__":
    main()
