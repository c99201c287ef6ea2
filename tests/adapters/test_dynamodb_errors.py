"""What DynamoDB's errors mean: answers that moto does not give, played by botocore's own stub."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber
from paidonce.adapters import items
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import DynamoDbCounter
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.ownership import FOREIGN
from paidonce.domain.payment import PaymentStatus
from paidonce.use_cases.ports import AlreadyApplied, Commit, Pointer

from tests.examples import a_payment
from tests.fakes import FakeClock

THROTTLED = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "InternalServerError",
    "TransactionInProgressException",
]
ROW = LedgerRow(
    event_id="evt_1",
    event_type="payment_intent.succeeded",
    outcome=Outcome.WAITING,
    livemode=False,
    decided_at="2026-11-22T12:00:00.000Z",
)


class Stubbed:
    """The adapters over a client whose answers are given one by one."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "dynamodb",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        self.stub = Stubber(self.client)
        self.clock = FakeClock()
        self.books = DynamoDbBooks(
            self.client,
            payments_table="state",
            events_table="events",
            ledger_days=90,
            clock=self.clock,
        )
        self.payments = DynamoDbPaymentBooks(self.client, payments_table="state", clock=self.clock)
        self.counter = DynamoDbCounter(self.client, payments_table="state", clock=self.clock)

    def cancels(self, *reasons: str) -> None:
        """The next transaction is cancelled for these reasons, one per action."""
        self.stub.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={"CancellationReasons": [{"Code": reason} for reason in reasons]},
        )

    def commits(self) -> None:
        """One payment put, one pointer, two ledger rows: four actions in that order."""
        payment = a_payment()
        self.books.commit(
            Commit(
                rows=[ROW, ROW],
                changed=[(payment, payment)],
                pointers=[Pointer(id="pi_1", aggregate_id="pay_1")],
            )
        )

    def reads(self) -> Any:
        """One ledger row, one payment."""
        return self.books.read(event_ids=["evt_1"], payment_ids=["pay_1"], pointer_ids=[])


@pytest.fixture
def dynamodb() -> Iterator[Stubbed]:
    stubbed = Stubbed()
    with stubbed.stub:
        yield stubbed
        stubbed.stub.assert_no_pending_responses()


FAILED, CONFLICT, NONE = "ConditionalCheckFailed", "TransactionConflict", "None"


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        ((NONE, NONE, FAILED, NONE), AlreadyApplied),
        ((FAILED, FAILED, NONE, FAILED), AlreadyApplied),
        (("ThrottlingError", NONE, FAILED, NONE), AlreadyApplied),
        ((FAILED, NONE, NONE, NONE), ChangedMeanwhile),
        ((NONE, FAILED, NONE, NONE), ChangedMeanwhile),
        ((CONFLICT, NONE, NONE, NONE), ChangedMeanwhile),
        ((NONE, NONE, CONFLICT, NONE), ChangedMeanwhile),
        ((FAILED, NONE, "ThrottlingError", NONE), ChangedMeanwhile),
        ((NONE, NONE, NONE, "ThrottlingError"), TryAgain),
        ((NONE, NONE, NONE, "ProvisionedThroughputExceeded"), TryAgain),
        ((NONE, "RequestLimitExceeded", NONE, NONE), TryAgain),
        ((NONE, "ValidationError", NONE, NONE), ClientError),
        ((NONE, "ItemCollectionSizeLimitExceeded", NONE, NONE), ClientError),
    ],
)
def test_a_cancelled_transaction_is_translated_by_its_reasons(
    dynamodb: Stubbed, reasons: Sequence[str], meaning: type[Exception]
) -> None:
    """The ledger's verdict goes first, then the state's, then throttling; the rest is a bug."""
    dynamodb.cancels(*reasons)
    with pytest.raises(meaning) as raised:
        dynamodb.commits()
    assert type(raised.value) in (meaning, *ClientError.__subclasses__())


def test_already_applied_names_the_events(dynamodb: Stubbed) -> None:
    dynamodb.cancels(NONE, NONE, FAILED, NONE)
    with pytest.raises(AlreadyApplied) as raised:
        dynamodb.commits()
    assert raised.value.args == ("evt_1",)


def test_a_conflict_outside_of_reasons_is_a_change(dynamodb: Stubbed) -> None:
    for operation, call in (
        ("transact_write_items", dynamodb.commits),
        ("put_item", lambda: dynamodb.books.park(ROW)),
        ("update_item", lambda: dynamodb.payments.note_try(a_payment(), at=1)),
    ):
        dynamodb.stub.add_client_error(operation, "TransactionConflictException")
        with pytest.raises(ChangedMeanwhile):
            call()


@pytest.mark.parametrize("code", THROTTLED)
def test_throttling_is_try_again_everywhere(dynamodb: Stubbed, code: str) -> None:
    for operation, call in (
        ("batch_get_item", dynamodb.reads),
        ("transact_write_items", dynamodb.commits),
        ("put_item", lambda: dynamodb.books.park(ROW)),
        ("get_item", lambda: dynamodb.payments.get("pay_1")),
        ("get_item", lambda: dynamodb.payments.claimed_by("order#u#o")),
        ("transact_write_items", lambda: dynamodb.payments.open(a_payment(), claim_id="order#")),
        ("update_item", lambda: dynamodb.payments.note_try(a_payment(), at=1)),
        ("update_item", lambda: dynamodb.counter.take("rate#1", limit=1, lasts_seconds=60)),
    ):
        dynamodb.stub.add_client_error(operation, code, http_status_code=400)
        with pytest.raises(TryAgain) as raised:
            call()
        assert type(raised.value) is TryAgain


def test_what_dynamodb_refuses_passes_through_untouched(dynamodb: Stubbed) -> None:
    for operation, call in (
        ("batch_get_item", dynamodb.reads),
        ("transact_write_items", dynamodb.commits),
        ("put_item", lambda: dynamodb.books.park(ROW)),
        ("get_item", lambda: dynamodb.payments.get("pay_1")),
        ("transact_write_items", lambda: dynamodb.payments.open(a_payment(), claim_id="order#")),
        ("update_item", lambda: dynamodb.payments.note_try(a_payment(), at=1)),
        ("update_item", lambda: dynamodb.counter.take("rate#1", limit=1, lasts_seconds=60)),
    ):
        dynamodb.stub.add_client_error(operation, "AccessDeniedException", http_status_code=400)
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_no_connection_is_try_again(dynamodb: Stubbed, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")

    monkeypatch.setattr(dynamodb.client, "batch_get_item", unreachable)
    with pytest.raises(TryAgain):
        dynamodb.reads()


# --- unprocessed keys -----------------------------------------------------------------------------

EVENT_LEFT = {"events": {"Keys": [{"event_id": {"S": "evt_1"}}], "ConsistentRead": True}}


def test_unprocessed_keys_are_asked_for_again(dynamodb: Stubbed) -> None:
    """What DynamoDB left out for now is not absent."""
    payment, row = a_payment(), items.ledger_item(ROW, ledger_days=90)
    dynamodb.stub.add_response(
        "batch_get_item",
        {"Responses": {"state": [items.payment_item(payment)]}, "UnprocessedKeys": EVENT_LEFT},
    )
    dynamodb.stub.add_response(
        "batch_get_item",
        {"Responses": {"events": [row]}, "UnprocessedKeys": {}},
        {"RequestItems": EVENT_LEFT},
    )
    pages = dynamodb.reads()
    assert dict(pages.payments) == {"pay_1": payment}
    assert dict(pages.rows) == {"evt_1": ROW}
    assert len(dynamodb.clock.pauses) == 1


def test_keys_that_stay_unprocessed_are_try_again_and_never_absence(dynamodb: Stubbed) -> None:
    for _ in range(5):
        dynamodb.stub.add_response(
            "batch_get_item", {"Responses": {}, "UnprocessedKeys": EVENT_LEFT}
        )
    with pytest.raises(TryAgain):
        dynamodb.reads()
    assert len(dynamodb.clock.pauses) == 4
    assert sum(dynamodb.clock.pauses) < 2


# --- what is asked for ----------------------------------------------------------------------------


def test_every_read_is_consistent(dynamodb: Stubbed) -> None:
    """Moto cannot tell: a read that lags would take a row for absent."""
    request = {
        "events": {"Keys": [{"event_id": {"S": "evt_1"}}], "ConsistentRead": True},
        "state": {"Keys": [{"id": {"S": "pay_1"}}], "ConsistentRead": True},
    }
    dynamodb.stub.add_response(
        "batch_get_item", {"Responses": {}, "UnprocessedKeys": {}}, {"RequestItems": request}
    )
    dynamodb.reads()
    for item_id, call in (("pay_1", dynamodb.payments.get), ("o#", dynamodb.payments.claimed_by)):
        expected = {"TableName": "state", "Key": {"id": {"S": item_id}}, "ConsistentRead": True}
        dynamodb.stub.add_response("get_item", {}, expected)
        assert call(item_id) is None


def test_a_pointer_to_nobody_costs_no_second_read(dynamodb: Stubbed) -> None:
    item = items.pointer_item(Pointer(id="pi_1", aggregate_id=FOREIGN, expires_at=1))
    dynamodb.stub.add_response("batch_get_item", {"Responses": {"state": [item]}})
    pages = dynamodb.books.read(event_ids=[], payment_ids=[], pointer_ids=["pi_1"])
    assert dict(pages.pointers) == {"pi_1": FOREIGN}


def test_an_order_is_taken_over_only_while_its_old_payment_is_canceled(dynamodb: Stubbed) -> None:
    """The same transaction checks it, since it was read before."""
    old = replace(a_payment(id="pay_old"), status=PaymentStatus.CANCELED)
    new = a_payment(id="pay_new")
    dynamodb.cancels(NONE, FAILED)
    dynamodb.stub.add_response("get_item", {})
    dynamodb.stub.add_response("get_item", {"Item": items.claim_item("o#", payment_id="pay_old")})
    dynamodb.stub.add_response("get_item", {"Item": items.payment_item(old)})
    asked: list[Any] = []
    dynamodb.client.meta.events.register(
        "before-parameter-build.dynamodb.TransactWriteItems",
        lambda params, **_: asked.append(params["TransactItems"]),
    )
    dynamodb.stub.add_response("transact_write_items", {})
    assert dynamodb.payments.open(new, claim_id="o#") == new
    _, claim, check = asked[-1]
    assert claim["Put"]["ExpressionAttributeValues"] == {":holder": {"S": "pay_old"}}
    assert check["ConditionCheck"]["Key"] == {"id": {"S": "pay_old"}}
    assert check["ConditionCheck"]["ConditionExpression"] == "#status = :canceled"
    assert check["ConditionCheck"]["ExpressionAttributeValues"] == {":canceled": {"S": "canceled"}}


# --- opening a payment among others ---------------------------------------------------------------


def test_two_clicks_that_conflict_end_in_one_payment(dynamodb: Stubbed) -> None:
    payment = a_payment()
    dynamodb.cancels(CONFLICT, CONFLICT)
    dynamodb.stub.add_response("get_item", {})
    dynamodb.stub.add_response("get_item", {})
    dynamodb.stub.add_response("transact_write_items", {})
    assert dynamodb.payments.open(payment, claim_id="order#u#o") == payment


def test_an_order_that_conflicts_on_and_on_is_try_again(dynamodb: Stubbed) -> None:
    for _ in range(5):
        dynamodb.cancels(CONFLICT, NONE)
        dynamodb.stub.add_response("get_item", {})
        dynamodb.stub.add_response("get_item", {})
    with pytest.raises(TryAgain):
        dynamodb.payments.open(a_payment(), claim_id="order#u#o")


def test_a_throttled_opening_is_try_again(dynamodb: Stubbed) -> None:
    dynamodb.cancels("ThrottlingError", NONE)
    with pytest.raises(TryAgain):
        dynamodb.payments.open(a_payment(), claim_id="order#u#o")
