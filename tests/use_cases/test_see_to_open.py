"""Payments that nobody pays are cancelled, and what takes too long is asked about: once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from paidonce.domain.ledger import LedgerRow, Outcome, answer_id
from paidonce.domain.moment import iso
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CANCEL, CAPTURE, new_call
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.see_to_open import SeeToOpen

from tests.examples import NOON, a_payment
from tests.fakes import FakeClock, FakePaymentBooks, Tables
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_operations import FakeOperationQueue
from tests.fakes_references import FakeReferences
from tests.fakes_telemetry import FakeTelemetry

DAY, HOUR = 86_400, 3_600


class Bench:
    """One payment that was recorded at noon."""

    def __init__(self, payment: Payment, *, hours: float) -> None:
        self.tables = Tables(payments={payment.id: payment})
        self.clock = FakeClock(NOON + hours * HOUR)
        self.operations, self.references = FakeOperationQueue(), FakeReferences()
        self.telemetry = FakeTelemetry()

    def since(self, *, before: str) -> Iterator[Sequence[Payment]]:
        """See `OpenPayments.since`."""
        yield [
            one for one in self.tables.payments.values() if one.is_open and one.created_at < before
        ]

    def run(self) -> int:
        see = SeeToOpen(
            open_payments=self,
            payments=FakePaymentBooks(self.tables),
            search=FakeLedgerSearch(self.tables),
            operations=self.operations,
            references=self.references,
            clock=self.clock,
            telemetry=self.telemetry,
            livemode=False,
            unpaid_max_seconds=DAY,
            processing_max_seconds=7 * DAY,
            unknown_after_seconds=HOUR,
            payments_max=10,
        )
        return see(time_left=lambda: 60.0)

    @property
    def payment(self) -> Payment:
        return self.tables.payments["pay_1"]

    @property
    def asked(self) -> list[str | None]:
        return [operation.call for operation in self.operations.put_in]


def recorded(**changes: object) -> Payment:
    known = {"created_at": iso(NOON), "payment_intent_id": "pi_1"}
    return a_payment(**known | changes)


def a_row(key: str, outcome: Outcome, *, at: float) -> LedgerRow:
    return LedgerRow(
        event_id=answer_id(key),
        event_type="operation",
        outcome=outcome,
        livemode=False,
        decided_at=iso(at),
    )


@pytest.mark.parametrize(
    "status", [PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION]
)
def test_a_payment_that_nobody_pays_gets_a_cancel_that_stands_in_its_row(
    status: PaymentStatus,
) -> None:
    bench = Bench(recorded(status=status), hours=25)
    assert bench.run() == 1
    (call,) = bench.payment.calls
    assert (call.kind, call.params, call.object_id) == (
        CANCEL,
        {"cancellation_reason": "abandoned"},
        "pi_1",
    )
    assert bench.asked == [call.idempotency_key]
    assert bench.telemetry.counts["AbandonedPayments"] == 1


def test_without_an_intent_the_wish_is_noted_for_whoever_makes_one() -> None:
    bench = Bench(recorded(payment_intent_id=None), hours=25)
    bench.run()
    assert bench.payment.cancel_requested


@pytest.mark.parametrize(
    ("status", "hours"),
    [
        (PaymentStatus.PENDING, 23),
        (PaymentStatus.PROCESSING, 25),
        (PaymentStatus.AUTHORIZED, 1000),
        (PaymentStatus.PAID, 1000),
        (PaymentStatus.CANCELED, 1000),
    ],
)
def test_what_may_still_be_paid_or_is_over_is_left_alone(
    status: PaymentStatus, hours: float
) -> None:
    bench = Bench(recorded(status=status), hours=hours)
    assert bench.run() == 0
    assert (bench.asked, bench.references.sent, bench.payment.calls) == ([], [], ())


def test_a_cancel_whose_message_was_lost_is_queued_again_and_stays_one_call() -> None:
    bench = Bench(recorded(), hours=25)
    bench.operations.faults.plan("put", RuntimeError("killed before the queue had it"))
    with pytest.raises(RuntimeError):
        bench.run()
    bench.run()
    (call,) = bench.payment.calls
    assert bench.asked == [call.idempotency_key]


@pytest.mark.parametrize(
    ("outcome", "age", "again"),
    [
        (Outcome.WAITING, 60, False),
        (Outcome.WAITING, 2 * HOUR, True),
        (Outcome.DEAD, 2 * HOUR, False),
    ],
)
def test_an_operation_that_somebody_is_at_is_not_queued_twice(
    outcome: Outcome,
    age: int,
    again: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    payment = recorded(status=PaymentStatus.AUTHORIZED)
    call = new_call(payment, CAPTURE, {}).tried(at=NOON)
    bench = Bench(payment.with_call(call), hours=5)
    row = a_row(call.idempotency_key, outcome, at=bench.clock.now() - age)
    bench.tables.rows[row.event_id] = row
    assert bench.run() == int(again)
    assert bench.asked == ([call.idempotency_key] if again else [])


def test_a_creation_whose_answer_nobody_noted_is_ended_by_an_operation() -> None:
    payment = recorded(payment_intent_id=None)
    tried = replace(payment.creation, first_tried_at=NOON, last_tried_at=NOON)
    bench = Bench(replace(payment, creation=tried), hours=2)
    assert bench.run() == 1
    assert bench.asked == [payment.creation.idempotency_key]


def test_a_creation_that_was_never_asked_of_stripe_is_not_made_for_nobody() -> None:
    bench = Bench(recorded(payment_intent_id=None), hours=2)
    assert bench.run() == 0
    assert bench.asked == []


def test_a_call_that_ended_leaves_nothing_to_do() -> None:
    payment = recorded(status=PaymentStatus.AUTHORIZED)
    call = new_call(payment, CAPTURE, {}).tried(at=NOON).ended(CallState.DONE)
    bench = Bench(payment.with_call(call), hours=5)
    assert bench.run() == 0


def test_a_slow_bank_is_asked_about_once_a_day() -> None:
    bench = Bench(recorded(status=PaymentStatus.PROCESSING), hours=8 * 24)
    assert bench.run() == 1
    (name,) = bench.references.queued
    assert name.startswith("read#pi_1#")
    bench.tables.rows[name] = replace(a_row("x", Outcome.UNCHANGED, at=NOON), event_id=name)
    assert bench.run() == 0
    bench.clock.advance(DAY)
    assert bench.run() == 1
    assert len(set(bench.references.queued)) == 2
