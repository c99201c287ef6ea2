"""Refunds, disputes and fraud warnings through the official library."""

from typing import Any

import pytest
import stripe

from tests.stripe.payers import Control, kinds, pay, wait_for


def test_refunds(client: Any) -> None:
    """In parts, up to the whole, and not a cent more."""
    intent = pay(client)
    part = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    assert (part.status, part.charge) == ("succeeded", intent.latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1501})
    rest = client.v1.refunds.create({"charge": intent.latest_charge, "reason": "fraudulent"})
    assert rest.amount == 1500
    charge = client.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded) == (True, 2000)
    assert [each.id for each in charge.refunds.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert error.value.code == "charge_already_refunded"
    assert kinds(client).count("charge.refunded") == 2
    booked = client.v1.balance_transactions.list({"type": "refund"}).data
    assert [each.amount for each in booked] == [-1500, -500]


def test_a_refund_can_be_pending(client: Any, control: Control) -> None:
    """7726 begins pending and succeeds later."""
    intent = pay(client, payment_method="pm_card_pendingRefund")
    made = client.v1.refunds.create({"payment_intent": intent.id})
    assert made.status == "pending"
    event = wait_for(client, "refund.updated", control)
    assert event.data.object["status"] == "succeeded"


def test_a_refund_can_fail_after_it_succeeded(client: Any, control: Control) -> None:
    """5126 succeeds, fails later, and its charge is not refunded any more."""
    intent = pay(client, payment_method="pm_card_refundFail")
    made = client.v1.refunds.create({"payment_intent": intent.id})
    assert made.status == "succeeded"
    event = wait_for(client, "refund.failed", control)
    assert event.data.object["failure_reason"]
    assert client.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0


def test_nothing_is_refunded_that_was_not_paid(client: Any) -> None:
    """An open intent and one that is only authorized have nothing to give back."""
    held = pay(client, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": held.id})
    with pytest.raises(stripe.InvalidRequestError, match="One of the following"):
        client.v1.refunds.create({})
    assert client.v1.refunds.list().data == []


def test_a_dispute_is_won_or_lost(client: Any) -> None:
    """0259 is disputed; evidence decides; money goes and comes back."""
    intent = pay(client, payment_method="pm_card_createDispute")
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    assert client.v1.charges.retrieve(intent.latest_charge).disputed
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert error.value.code == "charge_disputed"
    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    won = client.v1.disputes.retrieve(dispute.id)
    assert (won.status, len(won.balance_transactions)) == ("won", 2)
    other = pay(client, payment_method="pm_card_createDisputeProductNotReceived")
    lost = client.v1.disputes.list({"payment_intent": other.id}).data[0]
    assert client.v1.disputes.close(lost.id).status == "lost"
    told = kinds(client)
    assert told.count("charge.dispute.funds_withdrawn") == 2
    assert told.count("charge.dispute.funds_reinstated") == 1
    assert told.count("charge.dispute.closed") == 2


def test_a_charge_can_have_several_disputes(client: Any, control: Control) -> None:
    """A second one by control; an inquiry moves no money."""
    intent = pay(client)
    control("POST", "disputes", charge=intent.latest_charge, amount=500)
    control("POST", "disputes", charge=intent.latest_charge, status="warning_needs_response")
    listed = client.v1.disputes.list({"charge": intent.latest_charge}).data
    assert sorted(each.status for each in listed) == ["needs_response", "warning_needs_response"]
    assert kinds(client).count("charge.dispute.funds_withdrawn") == 1


def test_early_fraud_warnings(client: Any, control: Control) -> None:
    """By card and by control."""
    first = pay(client, payment_method="pm_card_createIssuerFraudRecord")
    second = pay(client)
    control("POST", "fraud_warnings", charge=second.latest_charge)
    warnings = client.v1.radar.early_fraud_warnings.list().data
    assert [each.payment_intent for each in warnings] == [second.id, first.id]
    assert warnings[0].actionable
    assert "radar.early_fraud_warning.created" in kinds(client)


def test_a_warning_is_actionable_until_the_money_is_back_or_disputed(
    client: Any, control: Control
) -> None:
    """A part given back leaves it; a refund of all, or a dispute, ends it and is told once."""
    first, second = pay(client), pay(client)
    for intent in (first, second):
        control("POST", "fraud_warnings", charge=intent.latest_charge)
    client.v1.refunds.create({"charge": first.latest_charge, "amount": 500})
    assert kinds(client).count("radar.early_fraud_warning.updated") == 0
    client.v1.refunds.create({"charge": first.latest_charge})
    control("POST", "disputes", charge=second.latest_charge)
    listed = client.v1.radar.early_fraud_warnings.list().data
    assert [each.actionable for each in listed] == [False, False]
    assert kinds(client).count("radar.early_fraud_warning.updated") == 2
    late = control("POST", "fraud_warnings", charge=second.latest_charge)
    assert late["actionable"] is False
