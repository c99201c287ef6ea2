"""Shoppers who pay by card, and the events that Stripe makes of it."""

from collections.abc import Callable
from typing import Any

Control = Callable[..., Any]
CARD = {
    "amount": 2000,
    "currency": "usd",
    "confirm": True,
    "payment_method": "pm_card_visa",
    "return_url": "https://shop.example",
}


def kinds(client: Any) -> list[str]:
    """Event types, the oldest first."""
    return [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]


def pay(client: Any, **more: Any) -> Any:
    """A payment."""
    return client.v1.payment_intents.create({**CARD, **more})


def wait_for(client: Any, kind: str, control: Control) -> Any:
    """The event of a kind, once the clock has moved on."""
    control("POST", "clock/advance", seconds=10)
    return client.v1.events.list({"type": kind}).data[0]
