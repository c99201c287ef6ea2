"""`paidonce forget` on tables: what it shows, what it asks, what it leaves."""

import json
from dataclasses import replace

import boto3
from paidonce.adapters import aggregates, items
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_request import order_claim

from tests.examples import a_payment
from tests.ops.a_stage import TABLE, AStage
from tests.use_cases.test_forget_person import a_paid_payment, a_row

EVENTS = "paidonce-local-events"


def paid(stage: AStage, payment: Payment) -> None:
    """Its row, its order's claim, and what the ledger tells of it."""
    assert stage.outputs
    dynamodb = boto3.client("dynamodb")
    dynamodb.put_item(TableName=TABLE, Item=aggregates.item_of(payment))
    claim = order_claim(owner="user-1", order_id="order-1")
    dynamodb.put_item(TableName=TABLE, Item=items.claim_item(claim, payment_id=payment.id))
    row = items.ledger_item(a_row("evt_1", payment), ledger_days=90)
    dynamodb.put_item(TableName=EVENTS, Item=row)


def held(payment_id: str) -> str:
    """The payment's item and the ledger's."""
    dynamodb = boto3.client("dynamodb")
    row = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": payment_id}})["Item"]
    told = dynamodb.get_item(TableName=EVENTS, Key={"event_id": {"S": "evt_1"}})["Item"]
    return json.dumps([row, told])


def test_a_dry_run_shows_and_then_a_yes_blanks_and_is_written_down(stage: AStage) -> None:
    paid(stage, a_paid_payment())
    before = held("pay_1")
    shown = stage.paidonce("forget", "user-1", "--order", "order-1", "--dry-run")
    assert "2 rows would be blanked" in shown.stdout
    assert held("pay_1") == before
    ended = stage.paidonce("forget", "user-1", "--order", "order-1", "--yes", "--json")
    said = json.loads(ended.stdout)
    assert (said["blanked"], said["left"], ended.exit_code) == (["pay_1", "evt_1"], [], 0)
    assert "user-1" not in held("pay_1")
    note = boto3.client("dynamodb").get_item(
        TableName=EVENTS, Key={"event_id": {"S": f"operator#{said['id']}"}}
    )["Item"]
    assert note["event_type"]["S"] == "operator.forget"
    assert "user-1" not in json.dumps(note)
    again = json.loads(
        stage.paidonce("forget", "user-1", "--order", "order-1", "--yes", "--json").stdout
    )
    assert again["blanked"] == []


def test_without_a_yes_nothing_is_changed(stage: AStage) -> None:
    paid(stage, a_paid_payment())
    before = held("pay_1")
    ended = stage.paidonce("forget", "user-1", "--payment", "pay_1", typed="n\n")
    assert (ended.exit_code, held("pay_1")) == (1, before)


def test_what_is_not_over_is_a_sentence_and_exit_code_1(stage: AStage) -> None:
    paid(stage, replace(a_payment(), status=PaymentStatus.PROCESSING))
    ended = stage.paidonce("forget", "user-1", "--payment", "pay_1", "--yes")
    assert ended.exit_code == 1
    assert "pay_1 is processing" in ended.stderr
