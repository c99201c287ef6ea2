"""Many events of mixed types, brought in random order and some of them twice.

While deliveries are held, shoppers buy, are declined, dispute and subscribe, and the merchant
refunds; then all that Stripe made goes out at once.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import stripe

from local.shop import UNDECIDED, Shop

DUPLICATES = 0.2
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What went out, and how long it took until each was decided."""

    events: frozenset[str]
    payments: Sequence[dict[str, Any]]
    deliveries: int
    seconds: float


def bring(shop: Shop, *, events: int, seed: int, seconds_max: float) -> Brought:
    """At least so many events; raises NeverHappened when not all are decided in time."""
    shop.control("POST", "deliveries", {"hold": True})
    try:
        payments = _make(shop, events=events)
        held = _held(shop)
    finally:
        shop.control("POST", "deliveries", {})
    random = Random(seed)
    order = held + random.sample(held, round(len(held) * DUPLICATES))
    random.shuffle(order)
    began = time.monotonic()
    shop.control("POST", "deliveries/release", {"order": order, "copies": 1})
    shop.until(
        lambda: not _undecided(shop, held), what=f"{len(held)} are decided", seconds=seconds_max
    )
    return Brought(
        events=frozenset(held),
        payments=payments,
        deliveries=len(order),
        seconds=time.monotonic() - began,
    )


def _make(shop: Shop, *, events: int) -> list[dict[str, Any]]:
    """Rounds of everything, until there are enough events; answers the payments."""
    price = shop.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Hats"},
        }
    ).id
    payments: list[dict[str, Any]] = []
    number = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while len(_held(shop)) < events:
            list(pool.map(lambda n: _subscribe(shop, price, n), range(number, number + 2)))
            payments += pool.map(lambda n: _buy(shop, n), range(number, number + _AT_ONCE))
            number += _AT_ONCE
    return payments


def _buy(shop: Shop, number: int) -> dict[str, Any]:
    """A payment by way of our API; what becomes of it depends on its number."""
    payment = shop.new_payment(amount_minor=1000)
    _LIVES[number % len(_LIVES)](shop, payment["payment_intent_id"])
    return payment


def _paid(shop: Shop, intent_id: str) -> None:
    shop.confirm(intent_id)


def _declined_first(shop: Shop, intent_id: str) -> None:
    with suppress(stripe.CardError):  # the shopper takes another card then
        shop.confirm(intent_id, card="pm_card_chargeDeclinedInsufficientFunds")
    shop.confirm(intent_id)


def _refunded(shop: Shop, intent_id: str) -> None:
    shop.confirm(intent_id)
    shop.stripe.v1.refunds.create({"payment_intent": intent_id})


def _refunded_in_parts(shop: Shop, intent_id: str) -> None:
    shop.confirm(intent_id)
    for amount in (300, 400):
        shop.stripe.v1.refunds.create({"payment_intent": intent_id, "amount": amount})


def _disputed(outcome: str, shop: Shop, intent_id: str) -> None:
    shop.confirm(intent_id)
    charge = shop.stripe.v1.payment_intents.retrieve(intent_id).latest_charge
    made = shop.control("POST", "disputes", {"charge": charge})
    shop.control("POST", f"disputes/{made['id']}/close", {"outcome": outcome})


_LIVES = (
    _paid,
    _declined_first,
    _refunded,
    _refunded_in_parts,
    partial(_disputed, "won"),
    partial(_disputed, "lost"),
)


def _subscribe(shop: Shop, price: str, number: int) -> None:
    """A customer with a subscription, both with our marks; every second one is ended."""
    marks = {"paidonce_stage": shop.endpoints["stage"], "paidonce_user": f"user-{number}"}
    customer = shop.stripe.v1.customers.create(
        {
            "metadata": marks,
            "payment_method": "pm_card_visa",
            "invoice_settings": {"default_payment_method": "pm_card_visa"},
        }
    )
    subscription = shop.stripe.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price}], "metadata": marks}
    )
    if number % 2:
        shop.stripe.v1.subscriptions.cancel(subscription.id)


def _held(shop: Shop) -> list[str]:
    held: list[str] = shop.control("GET", "deliveries")["held"]
    return list(dict.fromkeys(held))


def _undecided(shop: Shop, events: Sequence[str]) -> set[str]:
    """Dead ones are not decided either."""
    rows = shop.rows("EventsTableName")
    return set(events) - {r["event_id"] for r in rows if r["outcome"] not in UNDECIDED}
