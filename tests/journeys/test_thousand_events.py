"""A thousand events of mixed types in random order, a fifth of them twice."""

from collections import Counter
from datetime import UTC, datetime

from paidonce.domain.announcement import Announcement

from local import crowd
from local.shop import Shop
from tests.journeys.conftest import Paidonce
from tests.journeys.listener import Listener, on_the_bus

EVENTS = 1000


def test_none_of_a_thousand_is_lost_or_dead_or_applied_twice(
    shop: Shop, paidonce: Paidonce
) -> None:
    began, dead = datetime.now(UTC).isoformat(), shop.queue_depth("EventsDeadLetterQueueUrl")
    with on_the_bus(shop) as listener:
        brought = crowd.bring(shop, events=EVENTS, seed=EVENTS, seconds_max=240)
        assert len(brought.events) >= EVENTS
        assert brought.deliveries >= 1.2 * EVENTS
        payments = {payment["id"] for payment in brought.payments}
        shop.until(
            lambda: told_of(listener, "payment.paid").keys() >= payments,
            what="the bus is told of each payment",
        )
        paid = told_of(listener, "payment.paid")
    assert {payment: paid[payment] for payment in payments} == dict.fromkeys(payments, 1)
    assert shop.queue_depth("EventsDeadLetterQueueUrl") == dead
    assert paidonce("verify", "--since", began, "--json")["drifts"] == []


def told_of(listener: Listener, kind: str) -> Counter[str]:
    """How many domain events of a type, each with its own id, tell of each object."""
    found = [Announcement.parse(body) for body in listener.read()]
    return Counter({one.id: one.object["id"] for one in found if one.type == kind}.values())
