"""What happens to a payment reaches those who subscribe, once by its id, whatever fails between."""

import secrets

from local.shop import Shop
from tests.journeys.listener import on_the_bus
from tests.journeys.rollout import bad_setting


def is_told(shop: Shop, event_id: str) -> bool:
    """The ledger's row carries no marker any more."""
    row = shop.ledger(event_id)
    return row is not None and "todo" not in row and "expires_at" in row


def paid_event_of(shop: Shop, intent_id: str) -> str:
    """Stripe's id of the event that made it paid."""
    found = [e.id for e in shop.events_about(intent_id) if e.type == "payment_intent.succeeded"]
    return found[0]


def test_a_paid_payment_is_told_once_by_id_though_stripe_and_the_publisher_repeat(
    shop: Shop,
) -> None:
    """publish_changes reaches the bus but not the ledger at first, and Stripe delivers twice."""
    payment = shop.new_payment()
    nowhere = f"{shop.endpoints['outputs']['EventsTableName']}-{secrets.token_hex(4)}"
    with on_the_bus(shop) as listener:
        with bad_setting(shop, "publish_changes", EVENTS_TABLE=nowhere):
            shop.confirm(payment["payment_intent_id"])
            paid = shop.payment_when(payment["id"], "paid")
            stripe_event = paid_event_of(shop, payment["payment_intent_id"])
            shop.control("POST", f"events/{stripe_event}/resend")
            shop.until(
                lambda: len(listener.events_about(payment["id"])) >= 2,
                what="the change is told, and again since its marker stays",
            )
            assert not is_told(shop, stripe_event)
        shop.until(lambda: is_told(shop, stripe_event), what="the marker is taken off")
        told = [one for one in listener.events_about(payment["id"]) if one.type == "payment.paid"]
    assert {one.id for one in told} == {f"{payment['id']}.{paid['version']}.payment.paid"}
    assert {one.stripe_event_id for one in told} == {stripe_event}
    assert [one.object for one in told] == [paid] * len(told)
    assert shop.queue_depth("ChangesDeadLetterQueueUrl") == 0
