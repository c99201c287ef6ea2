"""What is written to a table is what is read from it, whoever wrote it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st
from paidonce.adapters import items
from paidonce.domain.dispute import Dispute, DisputeStatus
from paidonce.domain.fraud_warning import FraudWarning
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.money import Money
from paidonce.domain.payment import Creation, LastError, Payment, PaymentStatus
from paidonce.domain.price import Item
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.use_cases.ports import Pointer

from tests.examples import a_payment

NOON = "2026-11-22T12:00:00.000Z"

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
seconds = st.integers(0, 2**33)
# What Stripe takes and gives: JSON, floats too, since the request is kept as it was.
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
# What DynamoDB can hold in an attribute that a newer release added.
attribute_values = st.recursive(
    st.none()
    | st.booleans()
    | words
    | st.decimals(-(10**30), 10**30, places=3, allow_nan=False).map(Decimal),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
unknown_names = st.from_regex(r"x_[a-z]{1,9}", fullmatch=True)

creations = st.builds(
    Creation,
    attempt=st.integers(1, 999),
    idempotency_key=words,
    params=st.dictionaries(words, json_values, max_size=4),
    body_hash=words,
    content_hash=words,
    first_tried_at=st.none() | seconds,
    last_tried_at=st.none() | seconds,
)
payments = st.builds(
    Payment,
    id=words,
    order_id=words,
    user_id=st.none() | words,
    money=st.builds(Money, st.integers(1, 99_999_999), st.just("usd")),
    created_at=words,
    updated_at=words,
    creation=creations,
    status=st.sampled_from(PaymentStatus),
    capture=st.sampled_from(["automatic", "manual"]),
    description=st.none() | words,
    metadata=st.dictionaries(words, words, max_size=4),
    payment_intent_id=st.none() | words,
    charge_id=st.none() | words,
    items=st.lists(st.builds(Item, price=words, quantity=st.integers(1, 999))).map(tuple),
    amount_captured_minor=st.integers(0, 99_999_999),
    customer_id=st.none() | words,
    last_error=st.none()
    | st.builds(LastError, code=st.none() | words, decline_code=st.none() | words, message=words),
    refunds=st.lists(
        st.builds(
            Refund,
            id=words,
            amount_minor=st.integers(1, 999),
            status=st.sampled_from(RefundStatus),
            stripe_refund_id=st.none() | words,
        ),
        max_size=2,
    ).map(tuple),
    disputes=st.lists(
        st.builds(
            Dispute,
            id=words,
            status=st.sampled_from(DisputeStatus),
            amount_minor=st.integers(0, 999),
            reason=st.none() | words,
            due_by=st.none() | seconds,
            charge_id=st.none() | words,
        ),
        max_size=2,
    ).map(tuple),
    fraud_warnings=st.lists(
        st.builds(
            FraudWarning,
            id=words,
            fraud_type=words,
            actionable=st.booleans(),
            charge_id=st.none() | words,
        ),
        max_size=2,
    ).map(tuple),
    as_of_from=st.none() | seconds,
    as_of=st.none() | seconds,
    version=st.integers(1, 10**9),
    unknown=st.dictionaries(unknown_names, attribute_values, max_size=3),
)
domain_events = st.builds(
    DomainEvent,
    id=words,
    type=words,
    version=st.integers(1, 999),
    occurred_at=words,
    object=st.dictionaries(words, json_values, max_size=3),
)
optional_words = st.none() | words
ledger_rows = st.builds(
    LedgerRow,
    event_id=words,
    event_type=words,
    outcome=st.sampled_from(Outcome),
    livemode=st.booleans(),
    decided_at=st.just(NOON),
    reason=optional_words,
    created=st.none() | seconds,
    received_at=optional_words,
    aggregate_id=optional_words,
    attempts=st.integers(1, 999),
    error_class=optional_words,
    error_place=optional_words,
    request_id=optional_words,
    correlation_id=optional_words,
    api_version=optional_words,
    replay_id=optional_words,
    domain_events=st.lists(domain_events, max_size=3).map(tuple),
)


def a_row(outcome: Outcome = Outcome.APPLIED, **changes: Any) -> LedgerRow:
    row = LedgerRow(
        event_id="evt_1",
        event_type="payment_intent.succeeded",
        outcome=outcome,
        livemode=False,
        decided_at=NOON,
    )
    return replace(row, **changes)


AN_EVENT = DomainEvent(
    id="pay_1.2.payment.paid", type="payment.paid", version=2, occurred_at=NOON, object={}
)


@given(payments)
def test_a_payment_is_read_as_it_was_written(payment: Payment) -> None:
    assert items.read_payment(items.payment_item(payment)) == payment


@given(ledger_rows)
def test_a_ledger_row_is_read_as_it_was_written(row: LedgerRow) -> None:
    assert items.read_ledger_row(items.ledger_item(row, ledger_days=90)) == row


@given(st.builds(Pointer, id=words, aggregate_id=words, expires_at=st.none() | seconds))
def test_a_pointer_is_read_as_it_was_written(pointer: Pointer) -> None:
    assert items.read_pointer(items.pointer_item(pointer)) == pointer


def test_every_item_carries_the_schema_number() -> None:
    written = [
        items.payment_item(a_payment()),
        items.ledger_item(a_row(), ledger_days=90),
        items.pointer_item(Pointer(id="pi_1", aggregate_id="pay_1")),
        items.claim_item("order#u#o", payment_id="pay_1"),
    ]
    assert [item["schema"] for item in written] == [{"N": "1"}] * 4


def test_a_payment_of_a_newer_release_keeps_what_we_do_not_know() -> None:
    """A rollback reads new rows, and writes back what the newer release put into them."""
    newer = items.payment_item(a_payment()) | {
        "schema": {"N": "2"},
        "tax": {"M": {"rate": {"N": "0.19"}}},
    }
    read = items.read_payment(newer)
    assert read.unknown == {"tax": {"rate": Decimal("0.19")}}
    written = items.payment_item(replace(read, version=2))
    assert written["tax"] == newer["tax"]
    assert written["schema"] == {"N": "1"}


def test_a_dispute_of_a_newer_release_is_read() -> None:
    """What a later release adds inside a document of ours is no reason to fail."""
    stored = {"id": "du_1", "status": "won", "amount_minor": 400, "network": "visa"}
    written = items.payment_item(a_payment()) | {"disputes": {"S": json.dumps([stored])}}
    (dispute,) = items.read_payment(written).disputes
    assert (dispute.id, dispute.status, dispute.due_by) == ("du_1", DisputeStatus.WON, None)


def test_a_payment_of_an_older_release_gets_defaults() -> None:
    """Only what every payment has had from the first day must be there."""
    optional = {
        *("schema", "capture", "metadata", "params", "amount_captured_minor", "user_id"),
        *("description", "last_error", "as_of", "as_of_from"),
    }
    written = items.payment_item(a_payment())
    older = {name: value for name, value in written.items() if name not in optional}
    read = items.read_payment(older)
    assert (read.capture, read.metadata, read.amount_captured_minor) == ("automatic", {}, 0)
    assert (read.disputes, read.fraud_warning) == ((), None)


def test_a_ledger_row_of_another_release_is_read() -> None:
    written = items.ledger_item(a_row(), ledger_days=90)
    other = {k: v for k, v in written.items() if k not in ("schema", "attempts", "livemode")}
    assert items.read_ledger_row(other | {"later": {"S": "x"}}) == a_row()


def test_a_final_row_with_nothing_to_publish_expires_after_the_ledgers_days() -> None:
    item = items.ledger_item(a_row(), ledger_days=90)
    expected = datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(days=90)
    assert item["expires_at"] == {"N": str(int(expected.timestamp()))}
    assert "todo" not in item
    assert "touched_at" not in item


def test_a_row_with_something_left_to_do_is_marked_and_never_expires() -> None:
    left = [a_row(o) for o in (Outcome.WAITING, Outcome.FAILING, Outcome.DEAD)]
    left.append(a_row(Outcome.APPLIED, domain_events=(AN_EVENT,)))
    for row, kind in zip(left, ("waiting", "failing", "dead", "publish"), strict=True):
        item = items.ledger_item(row, ledger_days=90)
        assert item["todo"] == {"S": row.todo}
        assert (row.todo or "").startswith(f"{kind}#")
        assert item["touched_at"] == {"S": NOON}
        assert "expires_at" not in item


def test_only_a_pointer_to_nobody_expires() -> None:
    assert "expires_at" not in items.pointer_item(Pointer(id="pi_1", aggregate_id="pay_1"))
    foreign = items.pointer_item(Pointer(id="pi_1", aggregate_id="foreign", expires_at=7))
    assert foreign["expires_at"] == {"N": "7"}


def test_domain_events_are_json_that_a_stream_reader_can_parse() -> None:
    """publish_changes reads them from the stream's image."""
    item = items.ledger_item(a_row(domain_events=(AN_EVENT,)), ledger_days=90)
    text = TypeDeserializer().deserialize(item["domain_events"])
    assert json.loads(text)[0]["id"] == AN_EVENT.id
