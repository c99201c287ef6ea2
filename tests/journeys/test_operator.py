"""An operator on the worst day: what died and why, what a replay would do, what differs."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.cloud import LocalCloud
from local.shop import Shop
from tests.journeys.bringing import bring_the_rest
from tests.journeys.conftest import Paidonce
from tests.journeys.rollout import bad_deploy

RULE = "paidonce/rules/payment_intent.py"


def now() -> str:
    return datetime.now(UTC).isoformat()


def raising(text: str) -> str:
    return text.replace("    intent = seen.object\n", '    raise ZeroDivisionError("a bug")\n', 1)


def without_a_rule_for_succeeded(text: str) -> str:
    return text.replace('    "payment_intent.succeeded",\n', "", 1)


def paid_at_stripe(shop: Shop) -> tuple[dict[str, Any], str]:
    """A payment that was confirmed, and the id of the event that says so."""
    payment = shop.new_payment()
    shop.confirm(payment["payment_intent_id"])
    events = shop.stripe.v1.events.list({"type": "payment_intent.succeeded"})
    found = (
        event.id
        for event in events.auto_paging_iter()
        if event.data.object["id"] == payment["payment_intent_id"]
    )
    return payment, next(found)


def test_a_dead_letter_tells_why_and_goes_back_once_its_rule_is_mended(
    shop: Shop, paidonce: Paidonce
) -> None:
    began = now()
    with bad_deploy(shop, "apply_event", changes={RULE: raising}):
        payment, event_id = paid_at_stripe(shop)
        shop.until(
            lambda: (row := shop.ledger(event_id)) and row["outcome"] == "dead",
            what="the event is dead",
            seconds=90,
        )
        shop.until(
            lambda: shop.queue_depth("EventsDeadLetterQueueUrl"),
            what="its message is in the dead letters",
            seconds=90,
        )
    (letter,) = paidonce("dlq", "show", event_id, "--json")
    assert "dead (failed) ZeroDivisionError at paidonce/rules/payment_intent.py" in letter["ledger"]
    assert "a bug" not in json.dumps(letter)
    assert event_id in paidonce("events", "ls", "--outcome", "dead")
    chain = paidonce("why", event_id)
    assert "DEAD" in chain
    previews = paidonce(
        "replay", "--since", began, "--type", "payment_intent.succeeded", "--dry-run", "--json"
    )
    (preview,) = [one for one in previews if one["event_id"] == event_id]
    assert (preview["now"], preview["would"]) == ("dead", "applied")
    assert preview["changes"]["status"] == ["pending", "paid"]
    assert shop.payment(payment["id"])["status"] == "pending"
    done = paidonce("dlq", "replay", "--event", event_id, "--yes", "--json")
    assert done["sent_back"] == [event_id]
    assert shop.payment_when(payment["id"], "paid")["version"] == payment["version"] + 1
    row = shop.decided(event_id)
    assert (row["outcome"], row["replay_id"]) == ("applied", done["id"])
    assert shop.ledger(f"operator#{done['id']}") is not None
    assert event_id not in [one["id"] for one in paidonce("dlq", "ls", "--json")]
    # The other events of the payment died of the same bug, some of them only now.
    shop.until(
        lambda: (paidonce("dlq", "replay", "--yes"), paidonce("dlq", "ls", "--json"))[1] == [],
        what="the dead letters are empty",
    )


def test_a_type_that_had_no_rule_is_replayed_once_it_has_one(
    shop: Shop, paidonce: Paidonce
) -> None:
    began = now()
    with bad_deploy(shop, "apply_event", changes={RULE: without_a_rule_for_succeeded}):
        payment, event_id = paid_at_stripe(shop)
        assert shop.decided(event_id)["outcome"] == "ignored"
    words = ("replay", "--since", began, "--type", "payment_intent.succeeded", "--yes", "--json")
    done = paidonce(*words)
    assert event_id in done["sent"]
    assert shop.payment_when(payment["id"], "paid")["version"] == payment["version"] + 1
    again = paidonce(*words)
    assert event_id in again["sent"]
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    assert shop.decided(event_id)["replay_id"] == done["replay_id"]
    assert shop.payment(payment["id"])["version"] == payment["version"] + 1


def test_what_was_changed_or_deleted_behind_our_back_is_named_and_mended(
    shop: Shop, paidonce: Paidonce
) -> None:
    began = now()
    payment, event_id = paid_at_stripe(shop)
    paid = shop.payment_when(payment["id"], "paid")
    intent_id = payment["payment_intent_id"]
    paidonce("verify", "--since", began)
    payments, events = shop.table("PaymentsTableName"), shop.table("EventsTableName")
    row = payments.get_item(Key={"id": payment["id"]})["Item"]
    payments.put_item(Item=row | {"amount_captured_minor": 1})
    events.delete_item(Key={"event_id": event_id})
    report = paidonce("verify", "--since", began, "--json", exits=3)
    assert {(one["object_id"], one["field"], one["ours"]) for one in report["drifts"]} == {
        (intent_id, "amount_captured_minor", "1"),
        (event_id, "ledger", None),
    }
    mended(shop, paidonce, began)
    payments.delete_item(Key={"id": payment["id"]})
    report = paidonce("verify", "--since", began, "--json", exits=3)
    assert (intent_id, "row") in {(one["object_id"], one["field"]) for one in report["drifts"]}
    mended(shop, paidonce, began)
    again = shop.payment(payment["id"])
    kept = ("status", "amount_minor", "amount_captured_minor", "order_id", "charge_id", "user_id")
    assert {name: again[name] for name in kept} == {name: paid[name] for name in kept}


def mended(shop: Shop, paidonce: Paidonce, began: str) -> None:
    """The worker looks again, and then our books say what Stripe says."""
    asked = paidonce("reconcile", "--since", began, "--yes", "--json")["asked_for"]
    assert asked
    for name in asked:
        shop.decided(name)
    assert paidonce("verify", "--since", began, "--json")["drifts"] == []


def test_what_was_made_while_no_webhook_arrived_is_found_and_the_silence_noticed(
    cloud: LocalCloud, shop: Shop, paidonce: Paidonce
) -> None:
    invoked(shop)
    began = now()
    shop.control("POST", "deliveries", {"drop": 1})
    try:
        payments = [paid_at_stripe(shop)[0] for _ in range(4)]
    finally:
        shop.control("POST", "deliveries", {})
    assert {shop.payment(payment["id"])["status"] for payment in payments} == {"pending"}
    shop.until(lambda: silenced(cloud, shop), what="the silence is noticed", seconds=90)
    # The window that told of the silence may have ended before the last of them.
    shop.until(lambda: swept(shop, payments), what="each is found and paid", seconds=90)
    for payment in payments:
        assert shop.payment(payment["id"])["version"] == payment["version"] + 1
    assert paidonce("verify", "--since", began, "--json")["drifts"] == []
    bring_the_rest(shop)


def silenced(cloud: LocalCloud, shop: Shop) -> bool:
    """Another run of reconcile, and whether the alarm rings."""
    invoked(shop)
    cloud.evaluate_alarms()
    (alarm,) = shop.client("cloudwatch").describe_alarms(AlarmNames=["paidonce-local-silence"])[
        "MetricAlarms"
    ]
    return bool(alarm["StateValue"] == "ALARM")


def swept(shop: Shop, payments: Sequence[Mapping[str, Any]]) -> bool:
    """Another run of reconcile, and whether all of these are paid."""
    invoked(shop)
    return {shop.payment(payment["id"])["status"] for payment in payments} == {"paid"}


def invoked(shop: Shop) -> None:
    """One run of reconcile, as its schedule starts it."""
    answer = shop.client("lambda").invoke(FunctionName="paidonce-local-reconcile:live")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_why_tells_the_whole_chain_of_a_payment(shop: Shop, paidonce: Paidonce) -> None:
    payment, event_id = paid_at_stripe(shop)
    shop.payment_when(payment["id"], "paid")
    for asked in (payment["id"], payment["payment_intent_id"], event_id):
        chain = paidonce("why", asked, "--json")
        assert chain["about"] == payment["id"]
        assert chain["state"]["status"] == "paid"
    # Other journeys rotate.
    kinds = [step["kind"] for step in chain["steps"] if step["kind"] != "rotation"]
    assert kinds[:2] == ["asked", "asked"]
    assert {"asked", "answered", "delivered", "told"} <= set(kinds)
    words = json.dumps(chain["steps"])
    assert f"{payment['id']}_a1" in words
    assert '"request_id": "req_' in words
    shown = paidonce("why", payment["id"])
    assert "payment.paid" in shown
    assert "_secret_" not in shown
