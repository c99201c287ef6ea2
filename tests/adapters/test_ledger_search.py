"""One contract of the ledger's indexes, over the fake and DynamoDB."""

from dataclasses import dataclass, replace

import pytest
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_ledger_search import DynamoDbLedgerSearch
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Books, Commit

from tests.adapters.places import Place
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_ledger_search import FakeLedgerSearch

LATER = "2027-01-01T00:00:00.000Z"


@dataclass
class Desk:
    """The ledger, and the search in it."""

    books: Books
    search: LedgerSearch

    def left(self, outcome: Outcome, before: str = LATER) -> list[str]:
        pages = self.search.left(outcome, before=before)
        return sorted(row.event_id for page in pages for row in page)


@pytest.fixture
def desk(place: Place | None) -> Desk:
    if place is None:
        tables = Tables()
        return Desk(FakeBooks(tables), FakeLedgerSearch(tables))
    client, events = place.client("dynamodb"), place.ledger()
    books = DynamoDbBooks(
        client,
        payments_table=place.table("id"),
        events_table=events,
        ledger_days=90,
        clock=FakeClock(),
    )
    return Desk(books, DynamoDbLedgerSearch(client, events_table=events))


def a_row(event_id: str, *, second: int = 0, about: str | None = "pay_1") -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type="payment_intent.succeeded",
        outcome=Outcome.APPLIED,
        livemode=False,
        decided_at=f"2026-11-22T12:00:{second:02}.000Z",
        aggregate_id=about,
    )


def test_a_row_is_found_by_its_id(desk: Desk) -> None:
    desk.books.commit(Commit(rows=[a_row("evt_1")]))
    assert desk.search.row("evt_1") == a_row("evt_1")
    assert desk.search.row("evt_2") is None


def test_what_was_decided_about_one_is_found_oldest_first(desk: Desk) -> None:
    rows = [a_row(f"evt_{n}", second=59 - n) for n in range(55)]
    others = [a_row("evt_other", about="pay_2"), a_row("evt_foreign", about=None)]
    for row in [*rows, *others]:
        desk.books.commit(Commit(rows=[row]))
    assert list(desk.search.about("pay_1")) == rows[::-1]
    assert list(desk.search.about("pay_none")) == []


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.FAILING, Outcome.DEAD])
def test_what_is_left_is_found_by_its_kind_and_age(desk: Desk, outcome: Outcome) -> None:
    for n in range(40):
        desk.books.park(replace(a_row(f"evt_{n:02}"), outcome=outcome))
    desk.books.park(replace(a_row("evt_fresh", second=30), outcome=outcome))
    desk.books.commit(Commit(rows=[a_row("evt_done")]))
    before = "2026-11-22T12:00:10.000Z"
    assert desk.left(outcome, before) == [f"evt_{n:02}" for n in range(40)]
    assert desk.left(outcome)[-1] == "evt_fresh"
    others = {Outcome.WAITING, Outcome.FAILING, Outcome.DEAD} - {outcome}
    assert [desk.left(other) for other in others] == [[], []]


def test_what_is_decided_is_left_no_more(desk: Desk) -> None:
    desk.books.park(replace(a_row("evt_1"), outcome=Outcome.DEAD))
    desk.books.commit(Commit(rows=[a_row("evt_1", second=1)]))
    assert desk.left(Outcome.DEAD) == []
