"""Every event applied once: one transaction a batch, one by one where that does not work."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.errors import ChangedMeanwhile, NotYetKnown, TryAgain
from paidonce.domain.money import Money
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import AlreadyApplied

from tests.examples import NOON, a_declined_intent, a_payment, an_event, an_intent
from tests.use_cases.worker import Worker, stripe_holds


def events_of_a_payment(n: int) -> list[StripeEvent]:
    """Created and succeeded of payment n, in one second."""
    marks = {"paidonce_stage": "test", "paidonce_payment": f"pay_{n}", "paidonce_attempt": "1"}
    made = an_intent(id=f"pi_{n}", metadata=marks)
    paid = an_intent("succeeded", id=f"pi_{n}", metadata=marks, latest_charge=f"ch_{n}")
    return [
        an_event("payment_intent.created", made, event_id=f"evt_{n}a"),
        an_event("payment_intent.succeeded", paid, event_id=f"evt_{n}b"),
    ]


def test_a_batch_is_one_transaction() -> None:
    worker = Worker(*(a_payment(id=f"pay_{n}") for n in range(5)))
    batch = [worker.delivery(e) for n in range(5) for e in events_of_a_payment(n)]
    assert worker.takes(*batch) == set()
    assert worker.books.faults.calls == ["read", "commit"]
    assert {p.status for p in worker.tables.payments.values()} == {"paid"}
    # Recorded, intent learned, paid: the version rose once for each event that changed the row.
    assert {p.version for p in worker.tables.payments.values()} == {3}
    assert set(worker.outcomes.values()) == {"applied"}
    assert worker.tables.pointers["pi_3"].aggregate_id == "pay_3"
    assert worker.tables.pointers["ch_3"].aggregate_id == "pay_3"


def test_copies_in_one_batch_have_one_effect() -> None:
    worker = Worker()
    assert worker.takes(*(worker.delivery(an_event()) for _ in range(5))) == set()
    assert worker.payment.version == 2
    assert len(worker.books.commits) == 1


def test_a_copy_later_has_no_effect_and_costs_no_write() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.payment.version == 2
    assert len(worker.books.commits) == 1
    assert worker.telemetry.counts["EventsRepeated"] == 1


def test_the_row_keeps_what_the_event_caused() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    row = worker.tables.rows["evt_1"]
    assert (row.aggregate_id, row.created, row.request_id) == ("pay_1", NOON, "req_1")
    assert [event.id for event in row.domain_events] == ["pay_1.2.payment.paid"]
    assert row.todo is not None
    assert row.todo.startswith("publish#")


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"livemode": True}, "foreign"),
        ({"type": "payout.paid"}, "ignored"),
        ({"data": {"object": an_intent("succeeded", metadata={})}}, "foreign"),
        (
            {
                "data": {
                    "object": an_intent(
                        "succeeded",
                        metadata={"paidonce_stage": "prod", "paidonce_payment": "pay_1"},
                    )
                }
            },
            "foreign",
        ),
    ],
)
def test_what_is_not_ours_is_noted_and_changes_nothing(
    changes: dict[str, Any], outcome: str
) -> None:
    worker = Worker()
    assert worker.takes(worker.delivery(an_event(**changes))) == set()
    assert worker.outcomes == {"evt_1": outcome}
    assert worker.payment == a_payment()


def test_an_object_without_marks_is_found_by_its_pointer() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event("payment_intent.created", an_intent())))
    bare = an_intent("succeeded", metadata={})
    worker.takes(worker.delivery(an_event(found=bare, event_id="evt_2")))
    assert worker.payment.status == "paid"


def test_a_pointer_of_an_earlier_event_of_the_batch_counts_as_read() -> None:
    worker = Worker()
    bare = an_intent("succeeded", metadata={})
    worker.takes(
        worker.delivery(an_event("payment_intent.created", an_intent())),
        worker.delivery(an_event(found=bare, event_id="evt_2")),
    )
    assert worker.payment.status == "paid"


def test_a_conflict_sends_the_batch_one_by_one_and_ends_the_same() -> None:
    worker = Worker(a_payment(), a_payment(id="pay_2"))
    worker.books.faults.plan("commit", ChangedMeanwhile("pay_1"))
    batch = [worker.delivery(e) for n in (1, 2) for e in events_of_a_payment(n)]
    assert worker.takes(*batch) == set()
    assert worker.lease.faults.calls == ["hold"] * 4
    assert {p.status for p in worker.tables.payments.values()} == {"paid"}


def test_another_worker_applies_it_between_our_read_and_our_write() -> None:
    worker, other = Worker(), Worker()
    other.tables = other.books.tables = worker.tables
    worker.books.faults.before("commit", lambda: other.takes(other.delivery(an_event())))
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.payment.version == 2


def test_a_lost_answer_of_the_transaction_is_applied_once() -> None:
    worker = Worker()
    worker.books.faults.plan("commit.after", AlreadyApplied("evt_1"))
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.payment.version == 2


def test_five_conflicts_and_the_event_waits() -> None:
    worker = Worker()
    worker.books.faults.plan("commit", *[ChangedMeanwhile("pay_1")] * 6)
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.outcomes == {"evt_1": "waiting"}
    assert worker.tables.rows["evt_1"].reason == "changed_meanwhile"
    (copy,) = worker.queue.copies
    assert worker.takes(worker.again(copy, an_event())) == set()
    assert (worker.outcomes, worker.payment.status) == ({"evt_1": "applied"}, "paid")


def test_what_a_payload_cannot_decide_is_fetched_alone() -> None:
    worker = Worker(
        a_payment(
            payment_intent_id="pi_1",
            status=PaymentStatus.PROCESSING,
            as_of_from=NOON,
            as_of=NOON,
            version=2,
        ),
        a_payment(id="pay_2"),
    )
    stripe_holds(worker, a_declined_intent())
    undecided = an_event("payment_intent.requires_action", an_intent("requires_action"))
    batch = [worker.delivery(e) for e in [undecided, *events_of_a_payment(2)]]
    assert worker.takes(*batch) == set()
    assert worker.payment.status == "failed"
    assert worker.payment.as_of == int(worker.clock.now())
    assert worker.reader.faults.calls == ["retrieve"]
    assert worker.tables.payments["pay_2"].status == "paid"


def test_after_a_conflict_the_object_is_fetched_anew() -> None:
    known = a_payment(
        payment_intent_id="pi_1",
        status=PaymentStatus.PROCESSING,
        as_of_from=NOON,
        as_of=NOON,
        version=2,
    )
    worker = Worker(known)
    stripe_holds(worker, an_intent("requires_action"))
    undecided = an_event("payment_intent.payment_failed", a_declined_intent())

    def somebody_writes() -> None:
        worker.tables.payments["pay_1"] = replace(known, version=3)
        stripe_holds(worker, an_intent("canceled"))

    # The batch commits nothing, so the first commit is the event's own.
    worker.books.faults.before("commit", somebody_writes)
    assert worker.takes(worker.delivery(undecided)) == set()
    assert worker.payment.status == "canceled"
    assert worker.reader.faults.calls == ["retrieve", "retrieve"]


def test_an_id_alone_is_fetched_and_applied_once() -> None:
    worker = Worker()
    worker.stripe.events["evt_1"] = an_event()
    for _ in range(2):
        assert worker.takes(worker.delivery(None, event_id="evt_1")) == set()
        worker.lease.done.clear()
    assert worker.payment.version == 2
    assert worker.reader.faults.calls == ["event"]


def test_an_event_whose_row_is_missing_waits_and_then_is_applied() -> None:
    worker = Worker(a_payment(id="pay_other"))
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.outcomes == {"evt_1": "waiting"}
    (copy,) = worker.queue.copies
    assert copy.delay_seconds == 5
    assert copy.attributes["wait_reason"] == NotYetKnown.code
    worker.tables.payments["pay_1"] = a_payment()
    assert worker.takes(worker.again(copy, an_event())) == set()
    assert worker.payment.status == "paid"
    assert worker.outcomes == {"evt_1": "applied"}


def test_a_lease_that_says_done_is_not_believed() -> None:
    worker = Worker()
    worker.lease.done.add("evt_1")
    assert worker.takes(worker.delivery(an_event(), receive_count=2)) == set()
    assert worker.outcomes == {"evt_1": "waiting"}
    worker.lease.done.clear()
    assert worker.takes(worker.again(worker.queue.copies[0], an_event())) == set()
    assert worker.outcomes == {"evt_1": "applied"}


def test_somebody_elses_lease_is_waited_for() -> None:
    worker = Worker()
    worker.lease.held.add("evt_1")
    assert worker.takes(worker.delivery(an_event(), receive_count=2)) == set()
    assert worker.outcomes == {"evt_1": "waiting"}


def test_a_throttled_read_lets_the_whole_batch_wait() -> None:
    worker = Worker()
    worker.books.faults.plan("read", TryAgain("throttled"))
    batch = [worker.delivery(e) for e in events_of_a_payment(1)]
    assert worker.takes(*batch) == set()
    assert worker.outcomes == {"evt_1a": "waiting", "evt_1b": "waiting"}
    assert len(worker.queue.copies) == 2


def test_with_little_time_the_rest_goes_back_as_it_came() -> None:
    worker = Worker()
    event = an_event()
    delivery = worker.delivery(event, receive_count=2)
    assert worker.takes(delivery, time_left=lambda: 9.0) == set()
    assert worker.tables.rows == {}
    (copy,) = worker.queue.copies
    assert (copy.delay_seconds, copy.attributes) == (0, delivery.attributes)


def test_another_amount_is_an_alarm_and_never_paid() -> None:
    worker = Worker(a_payment(money=Money(999, "usd")))
    worker.takes(worker.delivery(an_event()))
    assert worker.payment.status == "pending"
    assert worker.outcomes == {"evt_1": "unchanged"}
    assert worker.tables.rows["evt_1"].reason == "amount_mismatch"
    assert worker.telemetry.counts["AmountMismatch"] == 1


@pytest.mark.parametrize("lost", ["commit", "commit.after"])
def test_an_alarm_rings_whatever_becomes_of_its_transaction(lost: str) -> None:
    worker = Worker(a_payment(money=Money(999, "usd")))
    # A BaseException, as a worker that is killed: nothing after it runs.
    worker.books.faults.plan(lost, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        worker.takes(worker.delivery(an_event()))
    assert worker.telemetry.counts["AmountMismatch"] == 1
