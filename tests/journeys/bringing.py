"""When Stripe delivers, and what a test left undelivered, for others count on every event."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.shop import Shop


@contextmanager
def held(shop: Shop) -> Iterator[None]:
    """What Stripe has to say meanwhile waits for a release."""
    shop.control("POST", "deliveries", {"hold": True})
    try:
        yield
    finally:
        shop.control("POST", "deliveries", {"hold": False})


def bring_the_rest(shop: Shop) -> None:
    """Let Stripe send each event again that the ledger has never heard of, and wait for it."""
    known = {row["event_id"] for row in shop.rows("EventsTableName")}
    events = shop.stripe.v1.events.list({"limit": 100}).auto_paging_iter()
    missing = [event.id for event in events if event.id not in known]
    for event_id in missing:
        shop.control("POST", f"events/{event_id}/resend")
    for event_id in missing:
        shop.decided(event_id)
