"""What happens to a payment reaches those who subscribe, once by its id, whatever fails between."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.shop import Shop
from tests.journeys.listener import on_a_topic, on_the_bus
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
    with on_the_bus(shop) as listener, on_a_topic(shop, "CustomerNoticesTopicArn") as mailer:
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
        shop.until(
            lambda: not shop.queue_depth("NoticesQueueUrl"), what="notify has seen all of it"
        )
        receipts = [n for n in map(json.loads, mailer.read()) if n["object_id"] == payment["id"]]
        told = [one for one in listener.events_about(payment["id"]) if one.type == "payment.paid"]
    assert {one.id for one in told} == {f"{payment['id']}.{paid['version']}.payment.paid"}
    assert {one.stripe_event_id for one in told} == {stripe_event}
    assert [one.object for one in told] == [paid] * len(told)
    assert len(told) >= 2
    assert [(n["kind"], n["id"]) for n in receipts] == [("receipt", told[0].id)]
    assert shop.queue_depth("NoticesDeadLetterQueueUrl") == 0
    assert shop.queue_depth("ChangesDeadLetterQueueUrl") == 0


def paid_payment(shop: Shop, amount_minor: int) -> dict[str, Any]:
    """A payment that is paid."""
    payment = shop.new_payment(amount_minor=amount_minor)
    shop.confirm(payment["payment_intent_id"])
    return shop.payment_when(payment["id"], "paid")


def warn(shop: Shop, payment: dict[str, Any]) -> None:
    """The card's network warns of it, and Stripe delivers that three times."""
    warning = shop.control("POST", "fraud_warnings", {"charge": payment["charge_id"]})
    for event in shop.events_about(warning["id"]):
        for _ in range(2):
            shop.control("POST", f"events/{event.id}/resend")


def test_a_small_warned_payment_is_charged_back_once_and_a_large_one_left_to_people(
    shop: Shop,
) -> None:
    small, large = paid_payment(shop, 1999), paid_payment(shop, 2001)
    with on_a_topic(shop, "BackOfficeTopicArn") as office:
        warn(shop, small)
        warn(shop, large)
        refunded = shop.until(
            lambda: (p := shop.payment(small["id"]))["amount_refunded_minor"] and p,
            what="the small payment is refunded",
        )
        told = shop.until(
            lambda: [n for n in map(json.loads, office.read()) if n["object_id"] == large["id"]],
            what="a person is told of the large one",
        )
        shop.until(
            lambda: not shop.queue_depth("FraudWarningsQueueUrl"), what="all warnings are seen to"
        )
    assert [(r["amount_minor"], r["reason"]) for r in refunded["refunds"]] == [(1999, "fraudulent")]
    made = shop.stripe.v1.refunds.list({"charge": small["charge_id"] or ""}).data
    assert [refund.amount for refund in made] == [1999]
    assert [notice["kind"] for notice in told] == ["fraud_warning"]
    assert shop.payment(large["id"])["refunds"] == []
    assert shop.queue_depth("FraudWarningsDeadLetterQueueUrl") == 0


def test_a_second_intent_of_a_payment_is_canceled_by_what_the_bus_hears_of_it(shop: Shop) -> None:
    """With the payment's marks, made by somebody's hand: nobody may pay it."""
    payment = shop.new_payment()
    own = shop.stripe.v1.payment_intents.retrieve(payment["payment_intent_id"])
    marks = dict(own.to_dict()["metadata"]) | {"paidonce_attempt": "7"}
    second = shop.stripe.v1.payment_intents.create(
        {"amount": own.amount, "currency": own.currency, "metadata": marks}
    )
    shop.until(
        lambda: shop.stripe.v1.payment_intents.retrieve(second.id).status == "canceled",
        what="the second intent is canceled",
    )
    assert shop.payment(payment["id"])["payment_intent_id"] == own.id
    assert shop.queue_depth("OperationsDeadLetterQueueUrl") == 0


@contextmanager
def stream_switched_off(shop: Shop) -> Iterator[None]:
    """Nobody reads the ledger's stream meanwhile, as after it gave a change up."""
    client = shop.client("lambda")
    (source,) = client.list_event_source_mappings(
        FunctionName="paidonce-local-publish-changes:live"
    )["EventSourceMappings"]
    client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


def test_what_the_stream_did_not_bring_is_told_by_reconcile(shop: Shop) -> None:
    """Once it is due, from the index over the markers."""
    reconcile = shop.endpoints["outputs"]["ReconcileFunctionName"]
    with on_the_bus(shop) as listener, stream_switched_off(shop):
        payment = paid_payment(shop, 500)
        stripe_event = paid_event_of(shop, payment["payment_intent_id"])
        assert not is_told(shop, stripe_event)

        def found_by_reconcile() -> bool:
            shop.client("lambda").invoke(FunctionName=f"{reconcile}:live")
            return is_told(shop, stripe_event)

        shop.until(found_by_reconcile, what="the change is due, and told")
        told = listener.events_about(payment["id"])
    assert {one.id for one in told} == {f"{payment['id']}.{payment['version']}.payment.paid"}
