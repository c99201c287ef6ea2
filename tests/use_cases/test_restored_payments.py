"""A payment's row that was lost or changed behind our back is mended by a reading, by its rule."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.errors import OrderInProgress
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.payment_request import order_claim
from paidonce.domain.reading import Reading
from paidonce.use_cases.ports import Delivery

from tests.examples import NOON, a_payment, an_event, an_intent
from tests.use_cases.a_shop import Shop, a_request
from tests.use_cases.worker import Worker, stripe_holds

MARKS = {
    "paidonce_stage": "test",
    "paidonce_payment": "pay_1",
    "paidonce_attempt": "1",
    "paidonce_order": "order-1",
    "paidonce_user": "user-1",
    "gift": "yes",
}


def the_intent(**changes: Any) -> dict[str, Any]:
    return an_intent("succeeded", metadata=MARKS, created=NOON, **changes)


def read_at_stripe(worker: Worker, intent_id: str = "pi_1") -> None:
    reading = Reading(object_id=intent_id, as_of=NOON)
    bare = worker.delivery(None, event_id=reading.name)
    assert worker.takes(Delivery(**{**vars(bare), "reading": intent_id})) == set()


def test_a_lost_row_is_begun_anew_from_what_the_intent_says() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    lost = worker.payment
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    found = worker.payment
    same = ("order_id", "status", "amount_minor", "currency", "payment_intent_id", "charge_id")
    assert {name: found.view()[name] for name in same} == {name: lost.view()[name] for name in same}
    assert (found.user_id, found.metadata) == ("user-1", {"gift": "yes"})
    assert found.amount_captured_minor == 1000


def test_what_the_bus_was_told_of_a_lost_row_is_not_told_again() -> None:
    """A second `payment.paid` under another id would be a second receipt."""
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    (told,) = worker.tables.rows["evt_1"].domain_events
    assert told.type == "payment.paid"
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    row = worker.tables.rows[f"read#pi_1#{NOON}"]
    assert (row.outcome, row.domain_events) == ("applied", ())


def test_a_stray_does_not_take_the_place_of_the_intent_that_the_bus_was_told_of() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent() | {"id": "pi_2", "status": "canceled"})
    read_at_stripe(worker, "pi_2")
    assert worker.outcomes[f"read#pi_2#{NOON}"] == "superseded"
    assert (worker.payment.status, worker.payment.payment_intent_id) == ("paid", "pi_1")


def test_what_a_lost_row_has_come_to_since_is_told_under_a_higher_version() -> None:
    """Who copies state skips a version that is no higher than what they have."""
    worker = Worker()
    for number, status in enumerate(("requires_action", "requires_capture")):
        event = an_event(found=an_intent(status), event_id=f"evt_{number}", created=NOON + number)
        worker.takes(worker.delivery(event))
    (told,) = worker.tables.rows["evt_1"].domain_events
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    (paid,) = worker.tables.rows[f"read#pi_1#{NOON}"].domain_events
    assert (told.type, paid.type) == ("payment.authorized", "payment.paid")
    assert paid.version == worker.payment.version == told.version + 1


def test_a_lost_row_that_was_never_told_of_begins_with_its_first_version() -> None:
    worker = Worker()
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    (paid,) = worker.tables.rows[f"read#pi_1#{NOON}"].domain_events
    assert (paid.type, paid.version) == ("payment.paid", 1)


def test_a_lost_order_is_claimed_again_and_cannot_be_paid_under_another_key() -> None:
    """With its row its claim may be lost: another key would make a second payment of the order."""
    worker = Worker()
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    shop = Shop(clock=worker.clock, tables=worker.tables)
    with pytest.raises(OrderInProgress):
        shop.take(a_request("key-9"))
    assert shop.intents == []


def test_a_claim_that_somebody_has_by_now_stays_theirs() -> None:
    worker = Worker()
    worker.tables.payments.clear()
    claim = order_claim(owner="user-1", order_id="order-1")
    worker.tables.claims[claim] = "pay_2"
    stripe_holds(worker, the_intent())
    read_at_stripe(worker)
    assert worker.payment.status is PaymentStatus.PAID
    assert worker.tables.claims == {claim: "pay_2"}


def test_a_row_is_lost_only_to_a_reading_an_event_waits_for_it() -> None:
    worker = Worker()
    worker.tables.payments.clear()
    stripe_holds(worker, the_intent())
    worker.takes(worker.delivery(an_event(found=the_intent())))
    assert worker.outcomes == {"evt_1": "waiting"}
    assert worker.tables.payments == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": PaymentStatus.PENDING, "amount_captured_minor": 0},
        {"amount_captured_minor": 1},
        {"charge_id": "ch_9"},
    ],
)
def test_what_was_changed_behind_our_back_is_as_stripe_holds_it_again(
    changes: dict[str, Any],
) -> None:
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    worker.takes(worker.delivery(an_event()))
    right = worker.payment
    worker.tables.payments["pay_1"] = replace(right, **changes)
    read_at_stripe(worker)
    assert worker.payment.looks_like(replace(right, updated_at=worker.payment.updated_at))


def test_nothing_takes_back_what_somebody_called_paid() -> None:
    """That needs a person: `paid` never goes back, whoever wrote it. Verify goes on telling."""
    worker = Worker(a_payment(status=PaymentStatus.PAID, payment_intent_id="pi_1"))
    stripe_holds(worker, an_intent())
    read_at_stripe(worker)
    assert worker.payment.status is PaymentStatus.PAID
