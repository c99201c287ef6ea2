"""A reading: the object as Stripe shows it now goes through the rule of its events."""

from typing import Any

from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.reading import Reading
from paidonce.use_cases.ports import Delivery

from tests.examples import NOON, a_payment, an_event, an_intent
from tests.use_cases.a_refund_desk import a_paid_payment, a_stripe_refund, refunds_of
from tests.use_cases.worker import Worker, stripe_holds

NAME = f"read#pi_1#{NOON}"


def asked(worker: Worker, object_id: str = "pi_1", **attributes: str) -> Delivery:
    reading = Reading(object_id=object_id, as_of=NOON)
    bare = worker.delivery(None, event_id=reading.name, attributes=attributes or None)
    return Delivery(**{**vars(bare), "reading": object_id, "body": reading.message()})


def test_a_reading_of_a_paid_intent_makes_the_payment_paid() -> None:
    """Its event never came: nothing but an event or a reading may say paid."""
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    assert worker.takes(asked(worker)) == set()
    assert worker.payment.status == "paid"
    row = worker.tables.rows[NAME]
    assert (row.event_type, row.outcome, row.aggregate_id) == (
        "reading.payment_intent",
        "applied",
        "pay_1",
    )
    assert [event.type for event in row.domain_events] == ["payment.paid"]


def test_the_event_that_comes_after_all_changes_nothing() -> None:
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    worker.takes(asked(worker))
    worker.takes(worker.delivery(an_event()))
    assert worker.outcomes == {NAME: "applied", "evt_1": "unchanged"}


def test_copies_of_a_reading_are_one_reading() -> None:
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    assert worker.takes(asked(worker)) == set()
    assert worker.takes(asked(worker)) == set()
    assert worker.telemetry.counts["EventsRepeated"] == 1
    assert worker.payment.version == 2


def test_the_look_that_decides_is_made_after_the_row_was_read() -> None:
    """A look from before the row could be older than what stands there, and would win."""
    worker = Worker()
    stripe_holds(worker, an_intent("requires_action"))
    order: list[str] = []
    worker.reader.faults.before("retrieve", lambda: order.append("first look"))
    worker.books.faults.before("read", lambda: None)
    worker.books.faults.before("read", lambda: order.append("row"))
    worker.reader.faults.before("retrieve", lambda: order.append("second look"))
    worker.takes(asked(worker))
    assert order == ["first look", "row", "second look"]


def test_a_conflict_looks_again() -> None:
    worker = Worker()
    stripe_holds(worker, an_intent("processing"))

    def moved_on() -> None:
        stripe_holds(worker, an_intent("succeeded"))
        raise ChangedMeanwhile("pay_1")

    worker.books.faults.before("commit", moved_on)
    assert worker.takes(asked(worker)) == set()
    assert worker.payment.status == "paid"


def test_a_reading_that_cannot_be_made_now_waits_under_its_own_name() -> None:
    worker = Worker()
    worker.reader.faults.plan("retrieve", TryAgain("Stripe is away"))
    assert worker.takes(asked(worker)) == set()
    assert worker.outcomes == {NAME: "waiting"}
    (copy,) = worker.queue.copies
    assert copy.body == Reading(object_id="pi_1", as_of=NOON).message()


def test_an_object_of_somebody_else_s_is_foreign() -> None:
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded", metadata={"paidonce_stage": "another"}))
    worker.takes(asked(worker))
    assert worker.outcomes == {NAME: "foreign"}
    assert worker.payment == a_payment()


def test_an_object_that_no_rule_reads_is_no_reading_of_ours() -> None:
    worker = Worker()
    assert worker.takes(asked(worker, "tok_1")) != set()
    assert worker.outcomes == {f"read#tok_1#{NOON}": "failing"}


def test_a_refund_is_read_as_well() -> None:
    worker = Worker(a_paid_payment())
    found: dict[str, Any] = a_stripe_refund()
    worker.stripe.objects["re_1"] = found | {
        "metadata": {"paidonce_stage": "test", "paidonce_payment": "pay_1"}
    }
    worker.takes(asked(worker, "re_1"))
    assert refunds_of(worker.payment) == {"re_1": (400, "succeeded")}
