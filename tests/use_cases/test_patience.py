"""What cannot be decided now waits, fails for a time or is dead; it is never nowhere."""

import pytest
from paidonce.domain import rulebook
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import Outcome
from paidonce.domain.moment import iso
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import Verdict
from paidonce.domain.sighting import Sighting

from tests.examples import a_payment, an_event, an_intent
from tests.use_cases.worker import Worker


def without_a_row() -> Worker:
    """A worker that does not know the payment."""
    return Worker(a_payment(id="pay_other"))


def test_waits_grow_longer_and_end_dead_with_a_reason() -> None:
    worker = without_a_row()
    delivery = worker.delivery(an_event())
    delays = []
    while not worker.queue.buried:
        assert worker.takes(delivery) == set()
        if worker.queue.copies:
            copy = worker.queue.copies.pop()
            delays.append(copy.delay_seconds)
            worker.clock.advance(copy.delay_seconds)
            delivery = worker.again(copy, an_event())
    assert delays == [5, 15, 45, 120, 300, 900]
    assert worker.queue.buried[0].attributes["reason"] == "not_yet_known"
    assert worker.outcomes == {"evt_1": "dead"}
    assert worker.telemetry.counts["DeadEvents"] == 1


def test_waiting_for_stripe_lasts_a_day() -> None:
    worker = without_a_row()
    worker.tables.payments["pay_1"] = a_payment()
    delivery = worker.delivery(None, event_id="evt_1")
    waited = 0
    while not worker.queue.buried:
        worker.reader.faults.plan("event", TryAgain("Stripe is away"))
        assert worker.takes(delivery) == set()
        if worker.queue.copies:
            copy = worker.queue.copies.pop()
            waited += copy.delay_seconds
            worker.clock.advance(copy.delay_seconds)
            delivery = worker.delivery(None, event_id="evt_1", attributes=copy.attributes)
    assert 86_400 <= waited <= 86_400 + 900
    assert worker.outcomes == {"evt_1": "dead"}


def test_reasons_that_alternate_come_to_an_end_too() -> None:
    worker = without_a_row()
    delivery = worker.delivery(an_event())
    rounds = 0
    while not worker.queue.buried:
        rounds += 1
        assert rounds < 1000
        if rounds % 2:
            worker.books.faults.plan("read", TryAgain("throttled"))
        assert worker.takes(delivery) == set()
        if worker.queue.copies:
            copy = worker.queue.copies.pop()
            worker.clock.advance(copy.delay_seconds)
            delivery = worker.again(copy, an_event())
    assert worker.outcomes == {"evt_1": "dead"}


def test_a_row_that_cannot_be_written_holds_up_no_copy() -> None:
    worker = without_a_row()
    worker.books.faults.plan("park", TryAgain("throttled"))
    assert worker.takes(worker.delivery(an_event())) == set()
    assert worker.tables.rows == {}
    assert len(worker.queue.copies) == 1


def test_a_copy_that_cannot_be_sent_leaves_the_message_in_the_queue() -> None:
    worker = without_a_row()
    worker.queue.faults.plan("send_copy", TryAgain("SQS is away"))
    assert worker.takes(worker.delivery(an_event())) == {"m1"}
    assert worker.queue.copies == []
    assert worker.telemetry.faults[0][0] == "copy not sent"


@pytest.mark.parametrize("call", ["park", "bury"])
def test_a_dead_event_that_cannot_be_buried_stays_in_the_queue(call: str) -> None:
    worker = without_a_row()
    old = {"wait_attempt": "9", "wait_reason": "not_yet_known"}
    old["first_seen"] = iso(worker.clock.now() - 901)
    (worker.books if call == "park" else worker.queue).faults.plan(call, TryAgain("away"))
    assert worker.takes(worker.delivery(an_event(), attributes=old)) == {"m1"}
    assert worker.takes(worker.delivery(an_event(), attributes=old)) == set()
    assert (worker.outcomes, len(worker.queue.buried)) == ({"evt_1": "dead"}, 1)


def test_a_message_that_cannot_be_hidden_comes_again_all_the_same() -> None:
    worker = Worker()
    worker.queue.faults.plan("hide", PermissionError("denied"))
    delivery = worker.delivery(None, event_id=None)
    assert worker.takes(delivery) == {delivery.message_id}


def test_a_late_copy_of_what_is_final_is_done() -> None:
    worker = without_a_row()
    worker.takes(worker.delivery(an_event()))
    row = worker.tables.rows["evt_1"]
    final = Worker()
    final.takes(final.delivery(an_event()))
    worker.books.faults.before("park", lambda: worker.tables.rows.update(final.tables.rows))
    copy = worker.queue.copies.pop()
    assert row.outcome is Outcome.WAITING
    assert worker.takes(worker.again(copy, an_event())) == set()
    assert worker.queue.copies == []
    assert worker.outcomes == {"evt_1": "applied"}


def test_what_is_dead_stays_dead_until_it_is_applied() -> None:
    worker = without_a_row()
    worker.takes(worker.delivery(an_event(), receive_count=5))
    assert worker.outcomes == {"evt_1": "dead"}
    worker.takes(worker.delivery(an_event()))
    assert worker.outcomes == {"evt_1": "dead"}
    worker.tables.payments["pay_1"] = a_payment()
    worker.takes(worker.delivery(an_event()))
    assert worker.outcomes == {"evt_1": "applied"}


@pytest.fixture
def broken_rule(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """The rule of succeeded raises what is in the list, one a call, and works when it is empty."""
    errors: list[Exception] = []
    real = rulebook.rule_for("payment_intent.succeeded")
    assert real is not None

    def decide(payment: Payment, seen: Sighting) -> Verdict[Payment]:
        if errors:
            raise errors.pop()
        verdict = real.decide(payment, seen)
        assert isinstance(verdict, Verdict)
        return verdict

    monkeypatch.setitem(
        rulebook._RULES,
        "payment_intent.succeeded",
        rulebook.Rule(
            event_type="payment_intent.succeeded",
            resource="payment_intent",
            decide=decide,
            of=Payment,
        ),
    )
    return errors


def test_a_rule_that_raises_twice_ends_in_one_effect(broken_rule: list[Exception]) -> None:
    worker = Worker()
    broken_rule += [ZeroDivisionError("secret words")] * 4  # in the batch and alone, then alone
    for receive_count, hidden in [(1, 10), (2, 30), (3, 120)]:
        delivery = worker.delivery(an_event(), receive_count=receive_count)
        assert worker.takes(delivery) == {delivery.message_id}
        assert worker.queue.hidden[delivery.message_id] == hidden
        row = worker.tables.rows["evt_1"]
        assert (row.outcome, row.error_class) == ("failing", "ZeroDivisionError")
        assert row.error_place is not None
        assert row.error_place.startswith("test_patience.py:")
        assert "secret words" not in repr(row)
    assert broken_rule == []
    assert worker.takes(worker.delivery(an_event(), receive_count=4)) == set()
    assert (worker.payment.version, worker.outcomes) == (2, {"evt_1": "applied"})


def test_a_poison_event_does_not_hold_up_its_neighbours(broken_rule: list[Exception]) -> None:
    worker = Worker(a_payment(), a_payment(id="pay_2"))
    broken_rule += [ZeroDivisionError()] * 2
    marks = {"paidonce_stage": "test", "paidonce_payment": "pay_2", "paidonce_attempt": "1"}
    neighbour = an_event(
        "payment_intent.created", an_intent("canceled", id="pi_2", metadata=marks), event_id="evt_2"
    )
    failed = worker.takes(worker.delivery(an_event()), worker.delivery(neighbour))
    assert failed == {"m1"}
    assert worker.tables.payments["pay_2"].status == "canceled"


def test_the_last_try_says_dead_before_it_begins(broken_rule: list[Exception]) -> None:
    worker = Worker()
    broken_rule += [ZeroDivisionError()]
    seen_before: list[str] = []
    worker.lease.faults.before("hold", lambda: seen_before.extend(worker.outcomes.values()))
    assert worker.takes(worker.delivery(an_event(), receive_count=5)) == {"m1"}
    assert seen_before == ["dead"]
    assert worker.tables.rows["evt_1"].error_class == "ZeroDivisionError"
    assert worker.queue.hidden == {"m1": 0}


def test_the_last_try_may_still_succeed() -> None:
    worker = Worker()
    assert worker.takes(worker.delivery(an_event(), receive_count=5)) == set()
    assert worker.outcomes == {"evt_1": "applied"}


def test_what_is_done_is_deleted_before_a_suspect_is_tried() -> None:
    worker = Worker(a_payment(), a_payment(id="pay_2"))
    first = worker.delivery(an_event("payout.paid", {}, event_id="evt_9"))
    suspect = worker.delivery(an_event(), receive_count=3)
    deleted: list[str] = []
    worker.lease.faults.before("hold", lambda: deleted.extend(worker.queue.deleted))
    assert worker.takes(suspect, first) == set()
    assert deleted == [first.message_id]


def test_a_suspect_is_tried_although_what_is_done_cannot_be_deleted() -> None:
    worker = Worker(a_payment(), a_payment(id="pay_2"))
    first = worker.delivery(an_event("payout.paid", {}, event_id="evt_9"))
    worker.queue.faults.plan("delete", TryAgain("throttled"))
    assert worker.takes(worker.delivery(an_event(), receive_count=3), first) == set()
    assert worker.outcomes == {"evt_1": "applied", "evt_9": "ignored"}
    assert [fault[:2] for fault in worker.telemetry.faults] == [
        ("done messages not deleted", "TryAgain")
    ]


def test_a_message_that_is_none_of_ours_tries_and_dies_in_the_queue() -> None:
    worker = Worker()
    delivery = worker.delivery(None, event_id=None)
    assert worker.takes(delivery) == {delivery.message_id}
    assert worker.tables.rows == {}
    assert worker.telemetry.faults[0][1] == "UnreadableMessageError"


def test_an_error_in_the_whole_batch_brings_all_of_it_back() -> None:
    worker = Worker()
    worker.books.faults.plan("read", PermissionError("denied"))
    assert worker.takes(worker.delivery(an_event())) == {"m1"}
    assert worker.outcomes == {"evt_1": "failing"}
    worker.books.faults.plan("read", PermissionError("denied"))
    worker.books.faults.plan("park", TryAgain("throttled"))
    assert worker.takes(worker.delivery(an_event(event_id="evt_2"))) == {"m2"}


def test_copies_carry_no_more_than_sqs_takes() -> None:
    worker = without_a_row()
    attributes = dict.fromkeys(
        ["event_id", "event_type", "livemode", "account", "api_version", "correlation_id"], "x"
    ) | {"received_at": iso(worker.clock.now())}
    worker.takes(worker.delivery(an_event(), attributes=attributes))
    assert len(worker.queue.copies[0].attributes) == 10
