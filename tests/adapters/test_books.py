"""One contract of state and ledger, over the fakes, moto and the local cloud."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.ownership import FOREIGN
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.use_cases.ports import (
    AlreadyApplied,
    Books,
    Commit,
    OrderTaken,
    Pages,
    PaymentBooks,
    Pointer,
)

from local.cloud import LocalCloud
from tests.adapters.places import Place, on_cloud
from tests.examples import a_payment
from tests.fakes import FakeBooks, FakeClock, FakePaymentBooks, Tables

FINAL = [outcome for outcome in Outcome if outcome.is_final]
OPEN = [outcome for outcome in Outcome if not outcome.is_final]
CLAIM = "order#user-1#order-1"


@dataclass
class Desk:
    """Both ports over the same tables."""

    books: Books
    payments: PaymentBooks

    def read(self, *, events: str = "", payments: str = "", pointers: str = "") -> Pages:
        """What is found under these ids, written with blanks between them."""
        return self.books.read(
            event_ids=events.split(), payment_ids=payments.split(), pointer_ids=pointers.split()
        )

    def outcome(self, event_id: str) -> Outcome | None:
        """What the ledger says of an event."""
        row = self.read(events=event_id).rows.get(event_id)
        return None if row is None else row.outcome

    def opened(self, payment_id: str = "pay_1") -> Payment:
        """A payment with an order of its own."""
        return self.payments.open(a_payment(id=payment_id), claim_id=f"order#{payment_id}")

    def canceled(self, payment: Payment) -> Payment:
        """The same payment after its cancel."""
        after = replace(payment, status=PaymentStatus.CANCELED, version=payment.version + 1)
        row = a_row(f"evt_cancel_{payment.id}")
        self.books.commit(Commit(rows=[row], changed=[(payment, after)]))
        return after


def a_row(event_id: str = "evt_1", outcome: Outcome = Outcome.APPLIED) -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type="payment_intent.succeeded",
        outcome=outcome,
        livemode=False,
        decided_at="2026-11-22T12:00:00.000Z",
    )


def moved(payment: Payment, status: PaymentStatus = PaymentStatus.PAID) -> Payment:
    return replace(payment, status=status, version=payment.version + 1)


@pytest.fixture
def desk(place: Place | None) -> Desk:
    if place is None:
        tables = Tables()
        return Desk(FakeBooks(tables), FakePaymentBooks(tables))
    return real_desk(place)


def real_desk(place: Place) -> Desk:
    client, clock = place.client("dynamodb"), FakeClock()
    state, events = place.table("id"), place.table("event_id")
    return Desk(
        DynamoDbBooks(
            client, payments_table=state, events_table=events, ledger_days=90, clock=clock
        ),
        DynamoDbPaymentBooks(client, payments_table=state, clock=clock),
    )


# --- reading --------------------------------------------------------------------------------------


def test_a_claim_is_taken_by_what_is_made_unless_somebody_has_it(desk: Desk) -> None:
    for payment_id, holder in (("pay_1", "pay_1"), ("pay_2", "pay_1")):
        desk.books.commit(Commit(rows=(), claims={CLAIM: payment_id}))
        assert desk.payments.claimed_by(CLAIM) == holder


def test_what_is_absent_is_left_out(desk: Desk) -> None:
    pages = desk.read(events="evt_1", payments="pay_1", pointers="pi_1")
    assert (dict(pages.rows), dict(pages.payments), dict(pages.pointers)) == ({}, {}, {})


def test_asking_for_nothing_reads_nothing(desk: Desk) -> None:
    assert dict(desk.read().rows) == {}


def test_a_payment_is_found_behind_its_pointer(desk: Desk) -> None:
    payment = desk.opened()
    desk.books.commit(Commit(rows=[a_row()], pointers=[Pointer(id="pi_1", aggregate_id="pay_1")]))
    pages = desk.read(pointers="pi_1 pi_2")
    assert dict(pages.pointers) == {"pi_1": "pay_1"}
    assert dict(pages.payments) == {"pay_1": payment}


def test_nothing_is_behind_a_pointer_to_nobody(desk: Desk) -> None:
    pointer = Pointer(id="pi_9", aggregate_id=FOREIGN, expires_at=1_900_000_000)
    desk.books.commit(Commit(rows=[a_row()], pointers=[pointer]))
    pages = desk.read(pointers="pi_9")
    assert dict(pages.pointers) == {"pi_9": FOREIGN}
    assert dict(pages.payments) == {}


def test_more_than_a_hundred_keys_are_read_in_one_go(desk: Desk) -> None:
    """BatchGetItem takes a hundred."""
    for n in range(3):
        desk.books.commit(Commit(rows=[a_row(f"evt_{n}_{m}") for m in range(40)]))
    wanted = [f"evt_{n}_{m}" for n in range(3) for m in range(40)]
    assert set(desk.read(events=" ".join(wanted)).rows) == set(wanted)


# --- one transaction ------------------------------------------------------------------------------


def test_a_commit_writes_all_of_it(desk: Desk) -> None:
    payment, other = desk.opened(), desk.opened("pay_2")
    after = moved(payment)
    desk.books.commit(
        Commit(
            rows=[a_row("evt_1"), a_row("evt_2", Outcome.IGNORED)],
            changed=[(payment, after)],
            checked=[other],
            pointers=[Pointer(id="pi_1", aggregate_id="pay_1")],
        )
    )
    pages = desk.read(events="evt_1 evt_2", payments="pay_1 pay_2", pointers="pi_1")
    assert dict(pages.rows) == {"evt_1": a_row(), "evt_2": a_row("evt_2", Outcome.IGNORED)}
    assert dict(pages.payments) == {"pay_1": after, "pay_2": other}
    assert dict(pages.pointers) == {"pi_1": "pay_1"}


def test_a_commit_of_nothing_does_nothing(desk: Desk) -> None:
    before = desk.opened()
    desk.books.commit(Commit(rows=[]))
    pages = desk.read(events="evt_1", payments="pay_1", pointers="pi_1")
    assert (pages.rows, pages.payments, pages.pointers) == ({}, {"pay_1": before}, {})


@pytest.mark.parametrize("outcome", FINAL)
def test_a_final_row_stands_and_nothing_beside_it_is_written(desk: Desk, outcome: Outcome) -> None:
    payment = desk.opened()
    desk.books.commit(Commit(rows=[a_row("evt_1", outcome)]))
    with pytest.raises(AlreadyApplied):
        desk.books.commit(
            Commit(rows=[a_row("evt_1"), a_row("evt_2")], changed=[(payment, moved(payment))])
        )
    assert desk.outcome("evt_1") is outcome
    assert desk.outcome("evt_2") is None
    assert desk.payments.get("pay_1") == payment


@pytest.mark.parametrize("outcome", OPEN)
def test_a_final_row_takes_the_place_of_one_that_is_not(desk: Desk, outcome: Outcome) -> None:
    desk.books.park(a_row("evt_1", outcome))
    desk.books.commit(Commit(rows=[a_row("evt_1")]))
    assert desk.outcome("evt_1") is Outcome.APPLIED


@pytest.mark.parametrize("read", [None, Outcome.IGNORED, Outcome.APPLIED, Outcome.DEAD])
def test_a_replay_writes_over_just_the_row_that_was_read(desk: Desk, read: Outcome | None) -> None:
    if read is not None:
        desk.books.commit(Commit(rows=[a_row(outcome=Outcome.IGNORED)]))
        row = replace(a_row(outcome=read), decided_at="2026-11-22T13:00:00.000Z", replay_id="r0")
        known = desk.read(events="evt_1").rows["evt_1"]
        desk.books.commit(Commit(rows=[row], replayed={"evt_1": known}))
    known_now = desk.read(events="evt_1").rows.get("evt_1")
    mine = replace(a_row(), decided_at="2026-11-22T14:00:00.000Z", replay_id="r1")
    desk.books.commit(Commit(rows=[mine], replayed={"evt_1": known_now}))
    found = desk.read(events="evt_1").rows["evt_1"]
    assert (found.outcome, found.replay_id) == (Outcome.APPLIED, "r1")
    with pytest.raises(ChangedMeanwhile):
        desk.books.commit(Commit(rows=[mine], replayed={"evt_1": known_now}))


def test_a_row_that_changed_meanwhile_stops_the_commit(desk: Desk) -> None:
    payment = desk.opened()
    desk.books.commit(Commit(rows=[a_row("evt_1")], changed=[(payment, moved(payment))]))
    for stale in (
        Commit(rows=[a_row("evt_2")], changed=[(payment, moved(payment, PaymentStatus.FAILED))]),
        Commit(rows=[a_row("evt_2")], checked=[payment]),
    ):
        with pytest.raises(ChangedMeanwhile):
            desk.books.commit(stale)
    assert desk.outcome("evt_2") is None
    assert desk.read(payments="pay_1").payments["pay_1"].status is PaymentStatus.PAID


def test_a_payment_that_is_gone_counts_as_changed(desk: Desk) -> None:
    for stale in (
        Commit(rows=[a_row()], changed=[(a_payment(), moved(a_payment()))]),
        Commit(rows=[a_row()], checked=[a_payment()]),
    ):
        with pytest.raises(ChangedMeanwhile):
            desk.books.commit(stale)


def test_already_applied_goes_before_changed_meanwhile(desk: Desk) -> None:
    """A repeat of an event finds both: its row, and the state that it moved itself."""
    payment = desk.opened()
    entry = Commit(rows=[a_row()], changed=[(payment, moved(payment))])
    desk.books.commit(entry)
    with pytest.raises(AlreadyApplied):
        desk.books.commit(entry)


def test_a_pointer_may_be_written_again_but_never_turned(desk: Desk) -> None:
    mine, other = (Pointer(id="pi_1", aggregate_id=i) for i in ("pay_1", "pay_2"))
    desk.books.commit(Commit(rows=[a_row("evt_1")], pointers=[mine]))
    desk.books.commit(Commit(rows=[a_row("evt_2")], pointers=[mine]))
    with pytest.raises(ChangedMeanwhile):
        desk.books.commit(Commit(rows=[a_row("evt_3")], pointers=[other]))
    assert dict(desk.read(pointers="pi_1").pointers) == {"pi_1": "pay_1"}


# --- parking --------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", OPEN)
def test_a_parked_row_is_written_where_there_is_none(desk: Desk, new: Outcome) -> None:
    assert desk.books.park(a_row("evt_1", new)) is None
    assert desk.outcome("evt_1") is new


@pytest.mark.parametrize("new", OPEN)
@pytest.mark.parametrize("old", list(Outcome))
def test_a_parked_row_gives_way_to_a_stronger_one(desk: Desk, old: Outcome, new: Outcome) -> None:
    """`waiting` and `failing` go over each other, `dead` over them and itself; final ones stand."""
    if old.is_final:
        desk.books.commit(Commit(rows=[a_row("evt_1", old)]))
    else:
        desk.books.park(a_row("evt_1", old))
    stands = old.is_final or (old is Outcome.DEAD and new is not Outcome.DEAD)
    assert desk.books.park(a_row("evt_1", new)) is (old if stands else None)
    assert desk.outcome("evt_1") is (old if stands else new)


def test_a_final_row_is_not_parked(desk: Desk) -> None:
    with pytest.raises(ValueError, match="committed"):
        desk.books.park(a_row("evt_1", Outcome.APPLIED))


# --- payments -------------------------------------------------------------------------------------


def test_an_opened_payment_is_found_by_its_id_and_its_order(desk: Desk) -> None:
    payment = a_payment()
    assert desk.payments.get("pay_1") is None
    assert desk.payments.claimed_by(CLAIM) is None
    assert desk.payments.open(payment, claim_id=CLAIM) == payment
    assert desk.payments.get("pay_1") == payment
    assert desk.payments.claimed_by(CLAIM) == "pay_1"


def test_opening_again_answers_with_the_payment_that_stands(desk: Desk) -> None:
    payment = desk.payments.open(a_payment(), claim_id=CLAIM)
    after = moved(payment)
    desk.books.commit(Commit(rows=[a_row()], changed=[(payment, after)]))
    assert desk.payments.open(a_payment(), claim_id=CLAIM) == after


def test_an_order_has_one_payment_that_is_not_canceled(desk: Desk) -> None:
    first = desk.payments.open(a_payment(), claim_id=CLAIM)
    with pytest.raises(OrderTaken) as taken:
        desk.payments.open(a_payment(id="pay_2"), claim_id=CLAIM)
    assert taken.value.payment == first
    assert desk.payments.get("pay_2") is None
    desk.canceled(first)
    second = desk.payments.open(a_payment(id="pay_2"), claim_id=CLAIM)
    assert desk.payments.claimed_by(CLAIM) == "pay_2"
    with pytest.raises(OrderTaken) as taken:
        desk.payments.open(a_payment(id="pay_3"), claim_id=CLAIM)
    assert taken.value.payment == second


def test_a_canceled_payment_asked_for_again_stays_canceled(desk: Desk) -> None:
    """Its caller takes a new key (api.md); the old one answers what stands."""
    canceled = desk.canceled(desk.payments.open(a_payment(), claim_id=CLAIM))
    assert desk.payments.open(a_payment(), claim_id=CLAIM) == canceled


def test_each_try_is_noted_and_the_first_one_kept(desk: Desk) -> None:
    payment = desk.opened()
    first = desk.payments.note_try(payment, at=100)
    second = desk.payments.note_try(payment, at=107)
    assert (first.creation.first_tried_at, first.creation.last_tried_at) == (100, 100)
    assert (second.creation.first_tried_at, second.creation.last_tried_at) == (100, 107)
    assert desk.payments.get("pay_1") == second


def test_a_noted_try_is_never_undone_by_a_rule_that_read_before_it(desk: Desk) -> None:
    payment = desk.opened()
    noted = desk.payments.note_try(payment, at=100)
    assert noted.version > payment.version
    with pytest.raises(ChangedMeanwhile):
        desk.books.commit(Commit(rows=[a_row()], changed=[(payment, moved(payment))]))


def test_a_try_of_another_attempt_is_not_noted(desk: Desk) -> None:
    payment = desk.opened()
    other = replace(payment, creation=replace(payment.creation, attempt=2))
    with pytest.raises(ChangedMeanwhile):
        desk.payments.note_try(other, at=100)
    with pytest.raises(ChangedMeanwhile):
        desk.payments.note_try(a_payment(id="pay_none"), at=100)
    assert desk.payments.get("pay_1") == payment


# --- both at once ---------------------------------------------------------------------------------

event_ids = st.sampled_from(["evt_1", "evt_2"])
steps = st.one_of(
    st.tuples(st.just("park"), event_ids, st.sampled_from(OPEN)),
    st.tuples(st.just("commit"), event_ids, st.sampled_from(FINAL)),
    st.tuples(st.just("point"), event_ids, st.sampled_from(["pay_1", "pay_2"])),
    st.tuples(st.just("move"), event_ids, st.sampled_from([1, 2, 3])),
    st.tuples(st.just("check"), event_ids, st.sampled_from([1, 2, 3])),
)


def result_of(desk: Desk, step: tuple[str, str, Any]) -> object:
    """Do one step; errors are results too."""
    kind, event_id, value = step
    known = replace(a_payment(), version=value) if kind in ("move", "check") else a_payment()
    entry = {
        "point": Commit(rows=[a_row(event_id)], pointers=[Pointer(id="pi_1", aggregate_id=value)]),
        "move": Commit(rows=[a_row(event_id)], changed=[(known, moved(known))]),
        "check": Commit(rows=[a_row(event_id)], checked=[known]),
        "commit": Commit(rows=[a_row(event_id, value)]),
    }
    try:
        if kind == "park":
            return desk.books.park(a_row(event_id, value))
        desk.books.commit(entry[kind])
    except (AlreadyApplied, ChangedMeanwhile) as error:
        return type(error)
    return "done"


@given(st.lists(steps, max_size=12))
@settings(max_examples=30, deadline=None)
def test_the_fake_and_the_adapter_say_the_same_of_any_history(
    moto: Place, history: list[tuple[str, str, Any]]
) -> None:
    tables = Tables()
    fake = Desk(FakeBooks(tables), FakePaymentBooks(tables))
    real = real_desk(moto)
    for desk in (fake, real):
        desk.opened()
    assert [result_of(real, step) for step in history] == [result_of(fake, s) for s in history]
    asked = {"events": "evt_1 evt_2", "payments": "pay_1", "pointers": "pi_1"}
    assert real.read(**asked) == fake.read(**asked)


@pytest.mark.cloud
def test_of_many_commits_of_one_event_exactly_one_is_written(cloud: LocalCloud) -> None:
    """Only a server has more than one writer at a time."""
    desk = real_desk(on_cloud(cloud.aws))
    payment = desk.opened()
    entry = Commit(rows=[a_row()], changed=[(payment, moved(payment))])

    def commit(_: int) -> object:
        try:
            desk.books.commit(entry)
        except (AlreadyApplied, ChangedMeanwhile) as error:
            return type(error)
        return "written"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(commit, range(24)))
    assert results.count("written") == 1
    assert desk.read(payments="pay_1").payments["pay_1"].version == payment.version + 1
