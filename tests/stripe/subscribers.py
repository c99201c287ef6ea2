"""Customers who subscribe, and test clocks that move."""

import time
from typing import Any

DAY = 24 * 3600
# 1 November 2026, 00:00 UTC.
START = 1793491200


def advance(client: Any, clock: Any, moment: int) -> None:
    """Moves a test clock and waits until it is ready."""
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": moment})
    end = time.monotonic() + 5
    while client.v1.test_helpers.test_clocks.retrieve(clock.id).status != "ready":
        assert time.monotonic() < end
        time.sleep(0.01)


def payer(client: Any, card: str = "pm_card_visa", **more: Any) -> Any:
    """A customer with a card."""
    return client.v1.customers.create(
        {
            "email": "a@example.com",
            "payment_method": card,
            "invoice_settings": {"default_payment_method": card},
            **more,
        }
    )


def subscribe(client: Any, customer: Any, price: Any, **more: Any) -> Any:
    """A subscription."""
    return client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], **more}
    )
