"""One contract of the shared catalogue, over the fake, moto and the local cloud."""

from dataclasses import dataclass

import pytest
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_catalogue import DynamoDbCatalogue
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.use_cases.catalogue import Catalogue, Entry
from paidonce.use_cases.ports import Books, Commit

from tests.adapters.places import Place
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_catalogue import FakeCatalogue

NAME = "price#price_1"
NOW = 1_800_000_000
ENTRY = Entry(
    document={"name": "T\u00e9e", "amount_minor": 500, "parts": [1, None]}, fresh_until=NOW + 60
)


@dataclass
class Shelf:
    """The catalogue, and the worker's books over the same table."""

    catalogue: Catalogue
    books: Books

    def claim(self, *, now: int = NOW) -> int | None:
        """Claim the entry for ten seconds."""
        return self.catalogue.claim(NAME, now=now, lasts_seconds=10)

    def filled(self, entry: Entry = ENTRY) -> None:
        """Fetch and keep."""
        revision = self.claim()
        assert revision is not None
        assert self.catalogue.keep(NAME, entry, revision=revision)

    def outdate(self, *names: str) -> None:
        """As an event does."""
        self.books.commit(Commit(rows=[], outdated=names or (NAME,)))


@pytest.fixture
def shelf(place: Place | None) -> Shelf:
    if place is None:
        tables = Tables()
        return Shelf(FakeCatalogue(tables), FakeBooks(tables))
    client, table = place.client("dynamodb"), place.table("id")
    books = DynamoDbBooks(
        client,
        payments_table=table,
        events_table=place.table("event_id"),
        ledger_days=90,
        clock=FakeClock(),
    )
    return Shelf(DynamoDbCatalogue(client, payments_table=table), books)


def test_what_is_kept_is_read_as_it_was(shelf: Shelf) -> None:
    assert shelf.catalogue.read(NAME) is None
    shelf.filled()
    assert shelf.catalogue.read(NAME) == ENTRY
    assert shelf.catalogue.read("price#price_2") is None


def test_what_stripe_does_not_know_is_kept_too(shelf: Shelf) -> None:
    unknown = Entry(document=None, fresh_until=NOW + 30)
    shelf.filled(unknown)
    assert shelf.catalogue.read(NAME) == unknown


def test_one_caller_has_the_claim_until_it_ends(shelf: Shelf) -> None:
    assert shelf.claim() is not None
    assert shelf.claim() is None
    assert shelf.claim(now=NOW + 9) is None
    assert shelf.claim(now=NOW + 10) is not None


def test_a_claim_alone_is_no_entry(shelf: Shelf) -> None:
    shelf.claim()
    assert shelf.catalogue.read(NAME) is None


def test_nobody_claims_what_is_fresh(shelf: Shelf) -> None:
    shelf.filled()
    assert shelf.claim(now=NOW + 59) is None
    assert shelf.claim(now=NOW + 60) is not None


def test_a_claim_that_is_given_up_is_free(shelf: Shelf) -> None:
    revision = shelf.claim()
    assert revision is not None
    shelf.catalogue.give_up(NAME, revision=revision)
    assert shelf.claim() is not None
    # The first claimant's second thoughts do not touch the second's claim.
    shelf.catalogue.give_up(NAME, revision=revision)
    assert shelf.claim() is None


def test_who_was_too_slow_keeps_nothing(shelf: Shelf) -> None:
    slow = shelf.claim()
    quick = shelf.claim(now=NOW + 10)
    assert slow is not None
    assert quick is not None
    assert shelf.catalogue.keep(NAME, ENTRY, revision=quick)
    old = Entry(document={"amount_minor": 400}, fresh_until=NOW + 900)
    assert not shelf.catalogue.keep(NAME, old, revision=slow)
    assert shelf.catalogue.read(NAME) == ENTRY


def test_an_event_takes_an_entry_away(shelf: Shelf) -> None:
    shelf.filled()
    shelf.outdate()
    assert shelf.catalogue.read(NAME) is None
    assert shelf.claim() is not None


def test_an_event_takes_the_right_to_keep_away(shelf: Shelf) -> None:
    """What was fetched before the change must not stay after it."""
    revision = shelf.claim()
    assert revision is not None
    shelf.outdate()
    assert not shelf.catalogue.keep(NAME, ENTRY, revision=revision)
    assert shelf.catalogue.read(NAME) is None
    again = shelf.claim()
    assert again is not None
    assert shelf.catalogue.keep(NAME, ENTRY, revision=again)


def test_an_event_about_what_nobody_asked_for_is_fine(shelf: Shelf) -> None:
    shelf.outdate(NAME, "prices#active")
    shelf.outdate(NAME)
    assert shelf.catalogue.read(NAME) is None
    shelf.filled()
    assert shelf.catalogue.read(NAME) == ENTRY


def test_what_is_no_entry_is_not_touched(moto: Place) -> None:
    client, table = moto.client("dynamodb"), moto.table("id")
    books = DynamoDbBooks(
        client, payments_table=table, events_table="none", ledger_days=90, clock=FakeClock()
    )
    item = {"id": {"S": "pay_1"}, "document": {"S": "mine"}}
    client.put_item(TableName=table, Item=item)
    with pytest.raises(ChangedMeanwhile):
        books.commit(Commit(rows=[], outdated=["pay_1"]))
    assert client.get_item(TableName=table, Key={"id": {"S": "pay_1"}})["Item"] == item


def test_items_leave_the_table_after_their_time(moto: Place) -> None:
    client, table = moto.client("dynamodb"), moto.table("id")
    catalogue = DynamoDbCatalogue(client, payments_table=table)
    revision = catalogue.claim(NAME, now=NOW, lasts_seconds=10)
    assert revision is not None
    catalogue.keep(NAME, ENTRY, revision=revision)
    item = client.get_item(TableName=table, Key={"id": {"S": NAME}})["Item"]
    assert int(item["expires_at"]["N"]) > ENTRY.fresh_until
    assert item["schema"] == {"N": "1"}
