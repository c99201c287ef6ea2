"""Disputes, warnings and refunds over HTTP, in any order: GET shows what Stripe holds."""

import json
import secrets
import time
from typing import Any

import pytest
import stripe

from local.shop import Shop
from tests.journeys.bringing import held

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("cloud")]


def paid(shop: Shop) -> dict[str, Any]:
    """A payment that the shopper has paid, once our row says so."""
    payment = shop.new_payment(amount_minor=1000)
    shop.confirm(payment["payment_intent_id"])
    return shop.payment_when(payment["id"], "paid")


def opened(shop: Shop, payment: dict[str, Any], **more: Any) -> str:
    """A dispute at Stripe, whatever we know of it."""
    made = shop.control("POST", "disputes", {"charge": payment["charge_id"]} | more)
    return str(made["id"])


def submitted(shop: Shop, dispute_id: str, evidence: str) -> None:
    """The merchant answers in the Dashboard; Stripe's test texts decide how it ends."""
    shop.stripe.v1.disputes.update(dispute_id, {"evidence": {"uncategorized_text": evidence}})


def at_stripe(shop: Shop, payment: dict[str, Any]) -> list[dict[str, Any]]:
    """The payment's disputes as our API writes them, read at Stripe."""
    listed = shop.stripe.v1.disputes.list({"payment_intent": payment["payment_intent_id"]})
    return [
        {
            "id": found.id,
            "status": found.status,
            "reason": found.reason,
            "amount_minor": found.amount,
            "due_by": time.strftime(
                "%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(found.evidence_details.due_by)
            ),
        }
        for found in listed.data
    ]


def by_id(many: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(many, key=lambda one: str(one["id"]))


def as_stripe_holds_it(shop: Shop, payment: dict[str, Any]) -> dict[str, Any]:
    """The payment, once every event about its disputes is decided; they are those of Stripe's."""
    expected = at_stripe(shop, payment)
    for dispute in expected:
        for event in shop.events_about(dispute["id"]):
            assert shop.decided(event.id)["outcome"] in ("applied", "unchanged")
    shown = shop.payment(payment["id"])
    assert by_id(shown["disputes"]) == by_id(expected)
    assert (shown["status"], shown["amount_captured_minor"]) == ("paid", 1000)
    return shown


def told(shop: Shop, payment: dict[str, Any]) -> list[str]:
    """Types of the domain events about this payment's disputes and warnings."""
    rows = [r for r in shop.rows("EventsTableName") if r.get("aggregate_id") == payment["id"]]
    found = [e["type"] for r in rows for e in json.loads(r.get("domain_events", "[]"))]
    return sorted(kind for kind in found if kind.startswith(("dispute.", "fraud.")))


@pytest.mark.parametrize("order", ["forward", "reverse"])
@pytest.mark.parametrize("copies", [1, 3])
def test_a_whole_dispute_of_one_second_ends_as_stripe_holds_it(
    shop: Shop, order: str, copies: int
) -> None:
    """Opened, withdrawn, answered, won and reinstated at once; in order, reversed, with copies."""
    payment = paid(shop)
    with held(shop):
        submitted(shop, opened(shop, payment), "winning_evidence")
        opened(shop, payment, amount=1, status="warning_needs_response")
    shop.control("POST", "deliveries/release", {"order": order, "copies": copies})
    shown = as_stripe_holds_it(shop, payment)
    assert sorted(d["status"] for d in shown["disputes"]) == ["warning_needs_response", "won"]
    assert told(shop, payment) == ["dispute.opened", "dispute.opened", "dispute.won"]


def test_a_stale_event_after_a_new_one_changes_nothing(shop: Shop) -> None:
    payment = paid(shop)
    with held(shop):
        dispute_id = opened(shop, payment)
        submitted(shop, dispute_id, "losing_evidence")
        made = {event.type: event.id for event in shop.events_about(dispute_id)}
        closed = made.pop("charge.dispute.closed")
        shop.control("POST", "deliveries/release", {"order": [closed], "copies": 1})
        shop.decided(closed)
        lost = shop.payment(payment["id"])
    shop.control("POST", "deliveries/release", {"order": list(made.values()), "copies": 2})
    assert as_stripe_holds_it(shop, payment) == lost
    assert [d["status"] for d in lost["disputes"]] == ["lost"]
    assert told(shop, payment) == ["dispute.lost", "dispute.opened"]


def test_an_event_that_failed_is_tried_again_and_has_one_effect(shop: Shop) -> None:
    """Stripe cannot be read for a while: the event waits, and is applied once."""
    payment = paid(shop)
    fault = {"method": "GET", "path": "/v1/disputes/{dispute}", "kind": "503", "times": 2}
    shop.control("POST", "faults", fault)
    try:
        dispute_id = opened(shop, payment)
        made = [event.id for event in shop.events_about(dispute_id)]
        rows = [shop.decided(event_id) for event_id in made]
    finally:
        fired = shop.control("DELETE", "faults")["faults"]
    assert sum(each["fired"] for each in fired) == 2
    assert sorted(row["outcome"] for row in rows) == ["applied", "unchanged"]
    as_stripe_holds_it(shop, payment)
    assert told(shop, payment) == ["dispute.opened"]


def test_a_redelivery_after_the_lease_has_no_second_effect(shop: Shop) -> None:
    """The lease is only a lock: once it is gone, the ledger still knows."""
    payment = paid(shop)
    dispute_id = opened(shop, payment)
    shown = as_stripe_holds_it(shop, payment)
    ids = [str(lease["id"]) for lease in shop.rows("IdempotencyTableName")]
    leases = [lease_id for lease_id in ids if lease_id.startswith("apply_event")]
    assert leases
    for lease_id in leases:
        shop.table("IdempotencyTableName").delete_item(Key={"id": lease_id})
    before = len(shop.control("GET", "deliveries")["data"])
    events = shop.events_about(dispute_id)
    for event in events:
        shop.control("POST", f"events/{event.id}/resend")
    shop.until(
        lambda: len(shop.control("GET", "deliveries")["data"]) >= before + len(events),
        what="each is delivered again",
    )
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    assert as_stripe_holds_it(shop, payment) == shown
    assert told(shop, payment) == ["dispute.opened"]


def test_a_type_of_dispute_event_that_nobody_knows_is_ignored(shop: Shop) -> None:
    payment = paid(shop)
    found = {"id": "du_x", "object": "dispute", "charge": payment["charge_id"], "status": "lost"}
    event_id = f"evt_{secrets.token_hex(8)}"
    sent = {
        "id": event_id,
        "object": "event",
        "type": "charge.dispute.teleported",
        "created": int(time.time()),
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": found},
    }
    text = json.dumps(sent)
    secret = shop.secret("SigningSecretArn")["endpoints"][0]["secret"]
    signed = stripe.WebhookSignature.generate_signature_header(text, secret, int(time.time()))
    assert shop.deliver(text.encode(), signed).status_code == 200
    assert shop.decided(event_id)["outcome"] == "ignored"
    assert shop.payment(payment["id"]) == payment


def test_a_warning_is_told_once_and_shows_when_it_is_over(shop: Shop) -> None:
    payment = paid(shop)
    made = shop.control("POST", "fraud_warnings", {"charge": payment["charge_id"]})
    warned = shop.until(
        lambda: (p := shop.payment(payment["id"]))["fraud_warning"] and p, what="a warning"
    )
    assert warned["fraud_warning"] == {
        "id": made["id"],
        "fraud_type": made["fraud_type"],
        "actionable": True,
        "charge": payment["charge_id"],
    }
    shop.stripe.v1.refunds.create({"charge": payment["charge_id"]})
    shop.until(
        lambda: not shop.payment(payment["id"])["fraud_warning"]["actionable"], what="it is over"
    )
    for event in shop.events_about(made["id"]):
        shop.control("POST", f"events/{event.id}/resend")
    shop.until(lambda: not shop.queue_depth("EventsQueueUrl"), what="the queue is empty")
    assert told(shop, payment) == ["fraud.warned"]


@pytest.mark.parametrize("order", ["forward", "reverse"])
def test_refunds_of_one_second_end_as_stripe_holds_them(shop: Shop, order: str) -> None:
    """One that stands and one that the bank sends back, made in the Dashboard."""
    payment = paid(shop)
    with held(shop):
        made = [
            shop.stripe.v1.refunds.create({"charge": payment["charge_id"], "amount": amount}).id
            for amount in (300, 400)
        ]
        shop.control("POST", f"refunds/{made[1]}/fail", {})
    shop.control("POST", "deliveries/release", {"order": order, "copies": 2})
    for refund_id in made:
        for event in shop.events_about(refund_id):
            shop.decided(event.id)
    shown = shop.payment(payment["id"])
    listed = shop.stripe.v1.refunds.list({"charge": payment["charge_id"]}).data
    expected = [(r.id, r.amount, r.status) for r in listed]
    assert sorted((r["id"], r["amount_minor"], r["status"]) for r in shown["refunds"]) == sorted(
        expected
    )
    charge = shop.stripe.v1.charges.retrieve(payment["charge_id"])
    assert shown["amount_refunded_minor"] == charge.amount_refunded == 300
