"""Writes tests/events/stripe/<type>.json: one event per type that has a rule, made by the stand-in.

Run it when a rule for a new type is added: .venv/bin/python -m tests.events.make_fixtures
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import stripe
from paidonce import rules
from paidonce.domain import rulebook

from local.stripe.application import Settings
from local.stripe.server import running
from tests.events.billing_lives import (
    lives_of_a_customer,
    lives_of_a_subscription,
    lives_of_an_invoice,
)

FOLDER = Path(__file__).parent / "stripe"
KEY = "sk_" + "test_" + "fixtures0000000000"
BEARER = {"Authorization": f"Bearer {KEY}"}
PAYER = {"name": "Ann", "email": "ann@shop.example"}
# What `POST /_test/<path>` does with a body.
Control = Callable[[str, dict[str, Any]], dict[str, Any]]
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


def lives_of_a_refund(client: stripe.StripeClient, control: Control) -> None:
    """A refund of ours that succeeds, and comes back from the bank afterwards."""
    marks = {**MARKS, "paidonce_refund": "ref_1"}
    del marks["paidonce_attempt"]
    made = client.v1.refunds.create({"charge": paid(client), "amount": 400, "metadata": marks})
    control(f"refunds/{made.id}/fail", {})


def paid(client: stripe.StripeClient) -> str:
    """The charge of a paid intent of ours."""
    made = client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "usd",
            "metadata": MARKS,
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "https://shop.example/thanks",
        }
    )
    return str(made.latest_charge)


def lives_of_a_charge(client: stripe.StripeClient, control: Control) -> None:
    """Disputed and won; warned of, then refunded; held, then captured or left to expire."""
    opened = control("disputes", {"charge": paid(client)})
    client.v1.disputes.update(
        opened["id"], {"evidence": {"uncategorized_text": "winning_evidence"}}
    )
    warned = paid(client)
    control("fraud_warnings", {"charge": warned})
    client.v1.refunds.create({"charge": warned})
    client.v1.charges.update(warned, {"description": "the first"})
    held = []
    for _ in range(2):
        intent = client.v1.payment_intents.create(
            {"amount": 1000, "currency": "usd", "metadata": MARKS, "capture_method": "manual"}
        )
        how: Any = {"payment_method": "pm_card_visa", "return_url": "https://shop.example/thanks"}
        held.append(client.v1.payment_intents.confirm(intent.id, how).id)
    client.v1.payment_intents.capture(held[0])
    control("clock/advance", {"seconds": 8 * 86_400})


def lives_of_a_page(client: stripe.StripeClient, control: Control, url: str) -> None:
    """Stripe's own page: paid by card, by a bank that says yes and one that says no, and left."""
    product = client.v1.products.create({"name": "Tea"})
    price = client.v1.prices.create({"product": product.id, "unit_amount": 1000, "currency": "eur"})
    banks = [
        {"type": "sepa_debit", "sepa_debit": {"iban": iban}, "billing_details": PAYER}
        for iban in ("AT611904300234573201", "AT861904300235473202")
    ]
    methods = [client.v1.payment_methods.create(bank).id for bank in banks]  # type: ignore[arg-type]  # built in parts
    for method in ["pm_card_visa", *methods, None]:
        params: Any = {
            "mode": "payment",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://shop.example/thanks",
            "metadata": MARKS,
            "payment_intent_data": {"metadata": MARKS},
        }
        session = client.v1.checkout.sessions.create(params)
        if method is None:
            client.v1.checkout.sessions.expire(session.id)
            continue
        page = f"{url}/v1/payment_pages/{session.id}/confirm"
        httpx.post(page, data={"payment_method": method}, auth=(KEY, "")).raise_for_status()
    control("clock/advance", {"seconds": 10})


def lives_of_a_price(client: stripe.StripeClient) -> None:
    """A price and its product, changed; and a product that nobody ever sold, deleted."""
    product = client.v1.products.create({"name": "Tea"})
    price = client.v1.prices.create({"product": product.id, "unit_amount": 500, "currency": "usd"})
    client.v1.prices.update(price.id, {"active": False})
    client.v1.products.update(product.id, {"name": "Green tea"})
    client.v1.products.delete(client.v1.products.create({"name": "Nothing"}).id)


def told(url: str) -> Iterator[dict[str, Any]]:
    """All events, the newest first, as they stand in the answers."""
    page: dict[str, Any] = {"limit": 100}
    while True:
        answer = httpx.get(f"{url}/v1/events", params=page, auth=(KEY, "")).raise_for_status()
        yield from answer.json()["data"]
        if not answer.json()["has_more"]:
            return
        page["starting_after"] = answer.json()["data"][-1]["id"]


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

        def control(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = httpx.post(f"{url}/_test/{path}", json=body, headers=BEARER)
            done: dict[str, Any] = answer.raise_for_status().json()
            return done

        lives_of_a_refund(client, control)
        lives_of_a_charge(client, control)
        lives_of_a_page(client, control, url)
        lives_of_a_customer(client)
        lives_of_a_subscription(client)
        lives_of_an_invoice(client)
        made = list(told(url))
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
