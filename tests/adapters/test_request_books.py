"""One contract of requests and what they lead to, over the fake, moto and the local cloud."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.adapters import aggregates
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks
from paidonce.domain.customer import Customer
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.invoice import Invoice
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.payment import LastError
from paidonce.domain.request import Request
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.domain.subscription import Line, Subscription
from paidonce.use_cases.ports import Books, Commit
from paidonce.use_cases.request_books import ClaimTaken, RequestBooks

from tests import billing_examples
from tests.adapters.places import Place
from tests.examples import a_payment
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_billing import FakeRequestBooks

NOON = "2026-11-22T12:00:00.000Z"
CLAIM = "user#anna"

Desk = tuple[RequestBooks, Books]


@pytest.fixture
def desk(place: Place | None) -> Desk:
    if place is None:
        tables = Tables()
        return FakeRequestBooks(tables), FakeBooks(tables)
    client, state = place.client("dynamodb"), place.table("id")
    return (
        DynamoDbRequestBooks(client, payments_table=state),
        DynamoDbBooks(
            client,
            payments_table=state,
            events_table=place.table("event_id"),
            ledger_days=90,
            clock=FakeClock(),
        ),
    )


def a_request(name: str = "req_1") -> Request:
    call = StripeCall(
        kind="customer", idempotency_key=f"{name}_a1", path="/v1/customers", params={"a": [1, 2.5]}
    )
    return Request(id=name, kind="customer", call=call, created_at=NOON, updated_at=NOON)


def a_row(event_id: str) -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type="answer.customer.create",
        outcome=Outcome.APPLIED,
        livemode=False,
        decided_at=NOON,
    )


def a_customer() -> Customer:
    return Customer(id="cus_1", user_id="anna", created_at=NOON, updated_at=NOON)


def test_a_request_is_opened_once_and_read_back(desk: Desk) -> None:
    requests, _ = desk
    assert requests.open(a_request(), claim_id=CLAIM) == a_request()
    later = replace(a_request(), user_id="other")
    assert requests.open(later, claim_id=CLAIM) == a_request()
    assert requests.get("req_1", Request) == a_request()
    assert requests.holder_of(CLAIM) == a_request()
    assert requests.holder_of("user#bert") is None


def test_a_row_of_another_kind_is_not_there(desk: Desk) -> None:
    requests, _ = desk
    requests.open(a_request())
    assert requests.get("req_1", Customer) is None
    assert requests.get("cus_1", Customer) is None


def test_a_claim_belongs_to_one_request(desk: Desk) -> None:
    requests, _ = desk
    requests.open(a_request("req_1"), claim_id=CLAIM)
    with pytest.raises(ClaimTaken) as taken:
        requests.open(a_request("req_2"), claim_id=CLAIM)
    assert taken.value.holder == a_request("req_1")
    assert requests.get("req_2", Request) is None
    requests.open(a_request("req_3"), claim_id="user#bert")


def test_a_refused_request_gives_way_once(desk: Desk) -> None:
    requests, _ = desk
    first = requests.open(a_request("req_1"), claim_id=CLAIM)
    refused = first.refused().written(at=NOON)
    requests.save(first, refused)
    second = requests.open(a_request("req_2"), claim_id=CLAIM, over=refused)
    assert requests.holder_of(CLAIM) == second
    gave_way = requests.get("req_1", Request)
    assert gave_way is not None
    assert gave_way.superseded
    with pytest.raises(ClaimTaken):
        requests.open(a_request("req_3"), claim_id=CLAIM, over=refused)
    with pytest.raises(ChangedMeanwhile):
        requests.save(refused, refused.again().written(at=NOON))


def test_a_request_that_was_asked_again_does_not_give_way(desk: Desk) -> None:
    requests, _ = desk
    first = requests.open(a_request("req_1"), claim_id=CLAIM)
    refused = first.refused().written(at=NOON)
    requests.save(first, refused)
    requests.save(refused, refused.again().written(at=NOON))
    with pytest.raises(ChangedMeanwhile):
        requests.open(a_request("req_2"), claim_id=CLAIM, over=refused)
    assert requests.get("req_2", Request) is None


def test_what_was_made_the_requests_end_and_the_ledger_are_one_transaction(desk: Desk) -> None:
    requests, books = desk
    request = requests.open(a_request(), claim_id=CLAIM)
    done = request.answered("cus_1").written(at=NOON)
    entry = Commit(rows=[a_row("answer#k")], made=[a_customer()], changed=[(request, done)])
    books.commit(entry)
    assert requests.get("cus_1", Customer) == a_customer()
    assert requests.get("req_1", Request) == done
    pages = books.read(event_ids=["answer#k"], payment_ids=["cus_1", "req_1"], pointer_ids=[])
    assert dict(pages.aggregates) == {"cus_1": a_customer(), "req_1": done}
    assert dict(pages.payments) == {}


def test_what_is_there_is_not_made_again(desk: Desk) -> None:
    requests, books = desk
    books.commit(Commit(rows=[a_row("answer#1")], made=[a_customer()]))
    with pytest.raises(ChangedMeanwhile):
        books.commit(Commit(rows=[a_row("answer#2")], made=[replace(a_customer(), name="new")]))
    assert requests.get("cus_1", Customer) == a_customer()


# --- items ----------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
some = st.none() | words
whole = st.integers(0, 2**40)
seconds = st.none() | whole
invoices = st.builds(
    Invoice,
    id=words,
    status=some,
    is_first=st.booleans(),
    is_renewal=st.booleans(),
    created=whole,
    owed_since=seconds,
    error=st.none() | st.builds(LastError, code=some, decline_code=some, message=words),
)
calls = st.builds(
    StripeCall,
    kind=words,
    idempotency_key=words,
    path=words,
    params=st.dictionaries(words, words | st.booleans() | whole, max_size=2),
    object_id=some,
    method=st.sampled_from(["post", "delete"]),
    caller_key=some,
    state=st.sampled_from(CallState),
    first_tried_at=seconds,
    is_spent=st.booleans(),
)
rows = {"created_at": words, "updated_at": words, "version": st.integers(1, 99)}
unknown = st.dictionaries(st.from_regex(r"x_[a-z]{1,5}", fullmatch=True), words, max_size=2)


@given(
    st.builds(
        Request,
        id=words.map("req_{}".format),
        kind=words,
        call=calls,
        user_id=some,
        attempt=st.integers(1, 9),
        made_id=some,
        declined=st.none() | st.builds(LastError, code=some, decline_code=some, message=words),
        superseded=st.booleans(),
        unknown=unknown,
        **rows,
    )
    | st.builds(
        Customer,
        id=words.map("cus_{}".format),
        user_id=some,
        email=some,
        name=some,
        deleted=st.booleans(),
        as_of_from=seconds,
        as_of=seconds,
        unknown=unknown,
        **rows,
    )
    | st.builds(
        Subscription,
        id=words.map("sub_{}".format),
        customer_id=words,
        user_id=some,
        status=words,
        lines=st.lists(st.builds(Line, id=words, price=words, quantity=whole), max_size=2).map(
            tuple
        ),
        current_period_end=seconds,
        cancel_at_period_end=st.booleans(),
        trial_end=seconds,
        latest_invoice=st.none() | invoices,
        invoices=st.lists(invoices, max_size=2).map(tuple),
        calls=st.lists(calls, max_size=2).map(tuple),
        calls_made=whole,
        as_of=seconds,
        unknown=unknown,
        **rows,
    )
)
def test_a_row_is_read_as_it_was_written(row: Request | Customer | Subscription) -> None:
    assert aggregates.read(aggregates.item_of(row)) == row


def test_a_row_of_an_older_release_is_read() -> None:
    """Without what has come since; and one of a newer release with what it knows beside."""
    item = aggregates.item_of(billing_examples.a_row(invoices=(), as_of_from=None))
    for name in ("as_of_from", "invoices"):
        assert name not in item
    item["latest_invoice"] = {"S": '{"id": "in_1", "status": "paid", "is_first": true}'}
    read = aggregates.read(item)
    invoice = Invoice(id="in_1", status="paid", is_first=True)
    assert read == billing_examples.a_row(latest_invoice=invoice, as_of_from=None)
    item["latest_invoice"] = {"S": '{"id": "in_1", "status": "paid", "is_first": true, "new": 1}'}
    assert aggregates.read(item) == read
    item["from_the_future"] = {"S": "kept"}
    later = aggregates.read(item)
    assert aggregates.item_of(later)["from_the_future"] == {"S": "kept"}
    assert not read_customer(aggregates.item_of(billing_examples.a_customer_row())).deleted


def read_customer(item: Any) -> Customer:
    item.pop("deleted", None)
    found = aggregates.read(item)
    assert isinstance(found, Customer)
    return found


def test_a_payment_is_a_row_like_the_others() -> None:
    assert aggregates.read(aggregates.item_of(a_payment())) == a_payment()
