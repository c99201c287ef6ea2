"""Bad deploys, killed workers, a queue that refuses: in the end every event has one effect."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import stripe

from local.cloud import LocalCloud
from local.shop import Shop
from tests.journeys.rollout import bad_deploy, bad_setting

RULE = "paidonce/rules/payment_intent.py"


def raising(text: str) -> str:
    """The rule with a bug in its first line."""
    return text.replace("    intent = seen.object\n", '    raise ZeroDivisionError("a bug")\n', 1)


def test_a_rule_that_raised_and_was_mended_ends_in_one_effect(shop: Shop) -> None:
    payment = shop.new_payment()
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    with bad_deploy(shop, "apply_event", changes={RULE: raising}):
        shop.confirm(payment["payment_intent_id"])
        (paid,) = [
            event
            for event in shop.events_about(payment["payment_intent_id"])
            if event.type == "payment_intent.succeeded"
        ]
        row = shop.until(
            lambda: (row := shop.ledger(paid.id)) and row["attempts"] >= 2 and row,
            what="the event failed twice",
        )
        assert (row["outcome"], row["error_class"]) == ("failing", "ZeroDivisionError")
        assert "a bug" not in str(row)
    assert shop.decided(paid.id)["outcome"] == "applied"
    assert shop.payment(payment["id"])["version"] == payment["version"] + 1


@contextmanager
def one_batch(shop: Shop) -> Iterator[None]:
    """What is delivered meanwhile waits in the queue and then comes to the worker as one batch."""
    client = shop.client("lambda")
    (source,) = client.list_event_source_mappings(FunctionName="paidonce-local-apply-event:live")[
        "EventSourceMappings"
    ]
    client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=source["UUID"], Enabled=True)


def declined_in_the_second_of_its_creation(shop: Shop) -> tuple[dict[str, Any], str]:
    """A payment whose decline the worker can only decide by asking Stripe, and its event's id."""
    for _ in range(20):  # a second may end in between, hardly twenty times
        payment = shop.new_payment()
        with pytest.raises(stripe.CardError):
            shop.confirm(payment["payment_intent_id"], card="pm_card_chargeDeclined")
        made = {e.type: e for e in shop.events_about(payment["payment_intent_id"])}
        failed = made["payment_intent.payment_failed"]
        if failed.created == made["payment_intent.created"].created:
            return payment, failed.id
    raise AssertionError("no payment was declined in the second of its creation")


def test_a_worker_killed_in_the_middle_of_a_batch_ends_in_one_effect(
    cloud: LocalCloud, shop: Shop
) -> None:
    """Two payments of the batch are written; the worker dies while it asks Stripe for a third."""
    payments = [shop.new_payment() for _ in range(2)]
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    slow = {"method": "GET", "path": "/v1/payment_intents/*", "kind": "slow:1.5", "times": 1}
    with one_batch(shop):
        for payment in payments:
            shop.confirm(payment["payment_intent_id"])
        undecided, declined = declined_in_the_second_of_its_creation(shop)
        shop.until(lambda: shop.queue_depth("EventsQueueUrl") >= 7, what="all of it is queued")
        shop.control("POST", "faults", slow)
    paid = [shop.payment_when(payment["id"], "paid") for payment in payments]
    assert shop.ledger(declined) is None
    assert cloud.kill_worker("apply_event", busy_only=True)
    shop.until(
        lambda: shop.payment(undecided["id"])["status"] == "failed",
        what="the batch of the killed worker comes again",
        seconds=120,
    )
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    assert [shop.payment(payment["id"]) for payment in paid] == paid
    # The charge's event may have been first, and then its intent was read: told once all the same.
    assert shop.decided(declined)["outcome"] in ("applied", "unchanged")
    told = [
        event["id"]
        for row in shop.rows("EventsTableName")
        if row.get("aggregate_id") == undecided["id"]
        for event in json.loads(row.get("domain_events", "[]"))
    ]
    assert [one.rpartition(".payment.")[2] for one in told] == ["failed"]
    assert shop.queue_depth("EventsDeadLetterQueueUrl") == 0


def test_a_queue_that_refuses_is_a_5xx_and_the_redelivery_has_one_effect(shop: Shop) -> None:
    payment = shop.new_payment()
    nowhere = f"{shop.endpoints['outputs']['EventsQueueUrl']}-{secrets.token_hex(4)}"
    with bad_setting(shop, "receive_webhook", EVENTS_QUEUE_URL=nowhere):
        shop.confirm(payment["payment_intent_id"])
        refused = shop.until(
            lambda: [
                attempt
                for attempt in shop.control("GET", "deliveries")["data"]
                if attempt["status"] and attempt["status"] >= 500
            ],
            what="a delivery is refused",
        )
        assert shop.payment(payment["id"])["status"] == "pending"
        assert shop.ledger(refused[0]["event"]) is None
    for event in shop.events_about(payment["payment_intent_id"]):
        shop.control("POST", f"events/{event.id}/resend")
    assert shop.payment_when(payment["id"], "paid")["version"] == payment["version"] + 1
