"""What a customer's events mean for its row."""

from typing import Any

import pytest
from paidonce.domain.customer import Customer, begun
from paidonce.domain.ledger import Outcome
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Source
from paidonce.rules.customer import end, settle

from tests.billing_examples import AT, a_customer, a_customer_row
from tests.examples import NOON, a_look

LATER = NOON + 60
BEA = {"name": "Bea"}


def after(row: Customer, found: dict[str, Any], at: int = LATER, **how: Any) -> Customer:
    verdict = settle(row, a_look(found, at, **how))
    assert isinstance(verdict, Verdict)
    return verdict.after


def ended(row: Customer, at: int) -> Customer:
    verdict = end(row, a_look(a_customer(), at))
    assert isinstance(verdict, Verdict)
    return verdict.after


def test_a_row_begins_with_any_event_and_its_user_is_the_mark() -> None:
    nothing = begun(a_customer(), AT)
    assert nothing.version == 0
    made = after(nothing, a_customer())
    assert (made.user_id, made.email, made.name) == ("user-1", "ann@example.com", "Ann")
    assert made.written(at=AT).news(nothing) == ("customer.changed",)


def test_one_without_a_name_is_new_all_the_same() -> None:
    found = a_customer(name=None, email=None, metadata={})
    nothing = begun(found, AT)
    verdict = settle(nothing, a_look(found, NOON))
    assert isinstance(verdict, Verdict)
    assert verdict.outcome is Outcome.APPLIED
    assert verdict.after.written(at=AT).news(nothing) == ("customer.changed",)


def test_a_newer_payload_is_taken_and_an_older_one_never() -> None:
    bea = after(a_customer_row(), a_customer(**BEA))
    assert (bea.name, bea.as_of) == ("Bea", LATER)
    assert bea.written(at=AT).news(a_customer_row()) == ("customer.changed",)
    for at in (NOON - 60, NOON, LATER):
        assert settle(bea, a_look(a_customer(), at)) == FetchFirst("cus_1")
    read = after(bea, a_customer(**BEA), LATER + 9, source=Source.FETCH)
    assert settle(read, a_look(a_customer(), LATER)) == Verdict(after=read)


def test_what_is_said_twice_is_no_news() -> None:
    row = a_customer_row()
    assert settle(row, a_look(a_customer(), NOON)) == Verdict(after=row)
    again = after(row, a_customer())
    assert again.as_of == LATER
    assert again.written(at=AT).news(row) == ()


@pytest.mark.parametrize("at", [NOON - 60, NOON, LATER])
def test_a_deleted_customer_is_forgotten_and_stays_so(at: int) -> None:
    gone = ended(a_customer_row(), at)
    assert (gone.deleted, gone.email, gone.name, gone.user_id) == (True, None, None, "user-1")
    assert gone.written(at=AT).news(a_customer_row()) == ("customer.changed",)
    assert settle(gone, a_look(a_customer(**BEA), LATER + 60)) == Verdict(after=gone)
    assert ended(gone, at) == gone


def test_a_look_at_a_deleted_customer_shows_only_that() -> None:
    found = {"id": "cus_1", "object": "customer", "deleted": True}
    gone = after(a_customer_row(), found, source=Source.FETCH)
    assert (gone.deleted, gone.email) == (True, None)
