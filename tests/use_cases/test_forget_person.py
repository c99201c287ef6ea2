"""Who a person is goes; what was charged, and that it was, stays."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from paidonce.domain.aggregate import told
from paidonce.domain.caller import Caller
from paidonce.domain.customer import Customer, CustomerRequest
from paidonce.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound, StateConflict
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_request import order_claim
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.dead_letters import Deed
from paidonce.use_cases.forget_person import ForgetPerson, Person

from tests.examples import a_payment
from tests.fakes import FakeBooks, FakeClock, FakePaymentBooks, Tables
from tests.fakes_billing import FakeRequestBooks
from tests.fakes_ledger_search import FakeLedgerSearch

USER, EMAIL, NAME, WORDS = "user-1", "ann@shop.example", "Ann Example", "for Ann's birthday"
DEED = Deed(id="r-1", who="op", what="forgot somebody")
ANN = Person(user_id=USER, order_ids=["order-1"])


def a_paid_payment(**changes: Any) -> Payment:
    call = StripeCall(
        kind="capture",
        idempotency_key="pay_1_capture_1",
        path="/v1/payment_intents/{id}/capture",
        params={"amount_to_capture": 900, "metadata": {"note": WORDS}},
        state=CallState.DONE,
    )
    payment = a_payment(
        status=PaymentStatus.PAID,
        payment_intent_id="pi_1",
        description=WORDS,
        metadata={"note": WORDS},
        amount_captured_minor=900,
        calls=(call,),
    )
    creation = replace(payment.creation, params={"amount": 1000, "metadata": {"note": WORDS}})
    return replace(payment, creation=creation, **changes)


def a_row(event_id: str, about: Any, *, is_published: bool = True) -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type="customer.updated",
        outcome=Outcome.APPLIED,
        livemode=False,
        decided_at="2026-09-21T13:33:20.000Z",
        aggregate_id=about.id,
        domain_events=told(about, about, notices=(("customer.changed", "x"),), at="2026"),
        is_published=is_published,
    )


class Shop:
    """A user with a deleted customer, one paid order, and what the ledger tells of both."""

    def __init__(self, payment: Payment | None = None, customer: Customer | None = None) -> None:
        self.tables = Tables()
        self.books = FakeBooks(self.tables)
        self.notes: list[tuple[Deed, str]] = []
        request = CustomerRequest(
            caller=Caller(issuer="i", subject="shop", scopes=frozenset(), user_id=None),
            idempotency_key="k",
            body_hash="b",
            user_id=USER,
            email=EMAIL,
            name=NAME,
        ).recorded(stage="test", at="2026")
        self.request = request.answered("cus_1")
        stands = Customer(
            id="cus_1", user_id=USER, created_at="2026", updated_at="2026", email=EMAIL, name=NAME
        )
        self.customer = customer or replace(stands, deleted=True)
        self.payment = payment or a_paid_payment()
        for one in (self.request, self.customer, self.payment):
            self.tables.put(one)
        self.tables.claims[f"user#{USER}"] = self.request.id
        self.tables.claims[order_claim(owner=USER, order_id="order-1")] = self.payment.id
        for row in (a_row("evt_1", stands), a_row("evt_2", self.payment)):
            self.tables.rows[row.event_id] = row
        self.verb = ForgetPerson(
            books=self.books,
            search=FakeLedgerSearch(self.tables),
            payments=FakePaymentBooks(self.tables),
            requests=FakeRequestBooks(self.tables),
            clock=FakeClock(),
            note=lambda deed, kind: self.notes.append((deed, kind)),
        )

    def forget(self) -> list[str]:
        return list(self.verb(self.verb.found(ANN), DEED))

    def held(self) -> str:
        """Everything that the tables' items hold."""
        ids = (self.request.id, "cus_1", "pay_1")
        found: list[Any] = [self.tables.aggregate(one) for one in ids]
        found += self.tables.rows.values()
        return json.dumps([asdict(one) for one in found])

    def kept(self) -> Mapping[str, Any]:
        found = self.tables.aggregate("pay_1")
        assert found is not None
        return found.view()


def test_nothing_that_is_held_names_the_person_afterwards() -> None:
    """The user id alone is still a part of one idempotency key: no value anywhere is it."""
    shop = Shop()
    words = [json.dumps(word) for word in (USER, EMAIL, NAME, WORDS)]
    assert [word for word in words if word in shop.held()] == words
    assert sorted(shop.forget()) == sorted(["cus_1", "evt_1", "evt_2", "pay_1", shop.request.id])
    assert [word for word in words if word in shop.held()] == []


def test_money_states_and_stripes_ids_stay() -> None:
    shop = Shop()
    before = shop.kept()
    shop.forget()
    changed = {"user_id", "version", "updated_at"}
    assert {k: v for k, v in shop.kept().items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert shop.tables.rows["evt_2"].outcome is Outcome.APPLIED
    found = shop.tables.aggregate("pay_1")
    assert isinstance(found, Payment)
    assert found.calls[0].params == {"amount_to_capture": 900}


def test_it_is_noted_before_anything_is_blank_and_without_the_person() -> None:
    shop = Shop()
    forgetting = shop.verb(shop.verb.found(ANN), DEED)
    assert shop.notes == []
    next(forgetting)
    assert shop.notes == [(DEED, "operator.forget")]


def test_a_second_time_finds_nothing_to_do() -> None:
    shop = Shop()
    shop.forget()
    assert shop.verb.found(ANN).to_blank == []
    assert shop.forget() == []


def test_after_a_crash_at_any_write_the_next_time_ends_it() -> None:
    for writes in range(5):
        shop = Shop()
        forgetting = shop.verb(shop.verb.found(ANN), DEED)
        for _ in range(writes):
            next(forgetting)
        del forgetting
        assert len(shop.forget()) == 5 - writes
        assert EMAIL not in shop.held()


def test_to_look_changes_nothing() -> None:
    shop = Shop()
    before = shop.held()
    assert len(shop.verb.found(ANN).to_blank) == 5
    assert (shop.held(), shop.notes) == (before, [])


def test_what_a_webhook_wrote_meanwhile_is_not_lost() -> None:
    shop = Shop()
    found = shop.verb.found(ANN)
    seen = shop.tables.aggregate("pay_1")
    assert isinstance(seen, Payment)
    shop.tables.put(replace(seen, charge_id="ch_9").written(at="2026"))
    list(shop.verb(found, DEED))
    after = shop.tables.aggregate("pay_1")
    assert isinstance(after, Payment)
    assert (after.charge_id, after.user_id, after.version) == ("ch_9", None, seen.version + 2)


def test_a_row_that_never_stands_still_is_told_and_not_overwritten() -> None:
    shop = Shop()
    found = shop.verb.found(ANN)
    shop.books.faults.plan("commit", *[ChangedMeanwhile("pay_1")] * 5)
    with pytest.raises(ChangedMeanwhile):
        list(shop.verb(found, DEED))


def test_a_domain_event_on_its_way_to_the_bus_is_left_for_the_next_time() -> None:
    shop = Shop()
    on_its_way = a_row("evt_3", shop.payment, is_published=False)
    shop.tables.rows["evt_3"] = on_its_way
    assert "evt_3" not in shop.forget()
    assert shop.verb.found(ANN).to_blank == ["evt_3"]
    shop.tables.rows["evt_3"] = replace(on_its_way, is_published=True)
    assert shop.forget() == ["evt_3"]


def test_a_row_that_was_decided_anew_meanwhile_is_left_for_the_next_time() -> None:
    shop = Shop()
    found = shop.verb.found(ANN)
    anew = replace(shop.tables.rows["evt_2"], decided_at="2026-09-22T00:00:00.000Z")
    shop.tables.rows["evt_2"] = anew
    assert "evt_2" not in list(shop.verb(found, DEED))
    assert shop.tables.rows["evt_2"] == anew
    assert shop.verb.found(ANN).to_blank == ["evt_2"]


def test_a_customer_who_stands_at_stripe_would_come_back_and_is_refused_with_the_step() -> None:
    stands = Customer(id="cus_1", user_id=USER, created_at="2026", updated_at="2026", email=EMAIL)
    with pytest.raises(StateConflict, match="Delete customer"):
        Shop(customer=stands).verb.found(ANN)


@pytest.mark.parametrize(
    "payment",
    [
        a_paid_payment(status=PaymentStatus.PROCESSING),
        a_paid_payment(status=PaymentStatus.PENDING),
        a_paid_payment(
            calls=(
                StripeCall(kind="capture", idempotency_key="pay_1_capture_1", path="/", params={}),
            )
        ),
    ],
)
def test_a_payment_that_is_not_over_still_needs_its_words(payment: Payment) -> None:
    with pytest.raises(StateConflict, match="pay_1"):
        Shop(payment=payment).verb.found(ANN)


def test_a_payment_of_somebody_else_is_refused() -> None:
    shop = Shop(payment=a_paid_payment(user_id="user-2"))
    with pytest.raises(InvalidRequest, match="pay_1 is not user-1's"):
        shop.verb.found(Person(user_id=USER, payment_ids=["pay_1"]))


@pytest.mark.parametrize(
    ("person", "says"),
    [
        (Person(user_id="nobody"), "nobody has no customer"),
        (Person(user_id=USER, payment_ids=["pay_9"]), "There is no row pay_9"),
        (Person(user_id=USER, order_ids=["order-9"]), "has no order order-9"),
    ],
)
def test_whoever_is_not_here_is_told_so(person: Person, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        Shop().verb.found(person)
