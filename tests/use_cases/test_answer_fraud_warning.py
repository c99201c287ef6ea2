"""A warned payment is charged back once and never too much, or a person is told."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.announcement import Announcement
from paidonce.domain.errors import ChangedMeanwhile, InvalidRequest, NotYetKnown, TryAgain
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.refund import RefundStatus
from paidonce.use_cases.answer_fraud_warning import AnswerFraudWarning

from tests.a_change import a_domain_event, a_warning
from tests.examples import STAGE
from tests.fakes_notices import FakeNotices
from tests.use_cases.a_refund_desk import (
    RefundDesk,
    a_paid_payment,
    a_refund_request,
    only_refund,
    set_payment,
)

KEY = "efw_issfr_1_a1"


@dataclass
class Answerer:
    """The consumer over a refund desk: one paid payment of 10.00 USD."""

    desk: RefundDesk = field(default_factory=RefundDesk)
    notices: FakeNotices = field(default_factory=FakeNotices)
    up_to_minor: int = 2000

    def takes(self, told: Announcement | None = None) -> None:
        """The consumer's work for one domain event; without one, a warning of the payment."""
        AnswerFraudWarning(
            payments=self.desk.payments,
            books=self.desk.books,
            operations=self.desk.operations,
            notices=self.notices,
            clock=self.desk.clock,
            telemetry=self.desk.telemetry,
            stage=STAGE,
            jitter=lambda: 0.5,
            refund_up_to_minor=self.up_to_minor,
        )(told or a_warning(self.desk.row))

    def run(self) -> None:
        """What `run_operation` does with all that is queued, each message twice."""
        for operation in self.desk.operations.put_in:
            for _ in range(2):
                assert operation.call is not None
                self.desk.finish(operation.call)

    @property
    def refunded(self) -> list[tuple[int, str]]:
        """Amount and reason of each refund at Stripe."""
        return [(made["amount"], made["reason"]) for made in self.desk.made]


def test_a_small_warned_payment_is_refunded_whole_by_the_refunds_key() -> None:
    answerer = Answerer()
    answerer.takes()
    (operation,) = answerer.desk.operations.put_in
    assert (operation.aggregate_id, operation.call) == ("pay_1", KEY)
    reserved = only_refund(answerer.desk.row)
    assert (reserved.status, reserved.amount_minor) == (RefundStatus.RESERVED, 1000)
    answerer.run()
    assert answerer.refunded == [(1000, "fraudulent")]
    assert only_refund(answerer.desk.row).status is RefundStatus.SUCCEEDED
    assert answerer.notices.sent == []


@settings(max_examples=30)  # the inner loop stays short
@given(copies=st.integers(1, 5), runs=st.lists(st.booleans(), max_size=5))
def test_however_often_the_warning_comes_it_is_charged_back_once(
    copies: int, runs: list[bool]
) -> None:
    """Copies of the event, of other domain events about the warning, before and after the call."""
    answerer = Answerer()
    told = a_warning(answerer.desk.row)
    for n in range(copies):
        answerer.takes(replace(told, id=f"another.{n}"))
        if runs[n : n + 1] == [True]:
            answerer.run()
    answerer.run()
    assert answerer.refunded == [(1000, "fraudulent")]
    assert {operation.call for operation in answerer.desk.operations.put_in} == {KEY}


@pytest.mark.parametrize("call", ["get", "commit", "commit.after", "put", "put.after"])
def test_a_crash_at_any_call_is_mended_by_the_next_try(call: str) -> None:
    answerer = Answerer()
    ports = {"get": answerer.desk.payments, "put": answerer.desk.operations}
    port: Any = ports.get(call.partition(".")[0], answerer.desk.books)
    port.faults.plan(call, TryAgain("away"))
    with pytest.raises(TryAgain):
        answerer.takes()
    answerer.takes()
    answerer.run()
    assert answerer.refunded == [(1000, "fraudulent")]


@settings(max_examples=30)
@given(amounts=st.lists(st.integers(1, 1000), max_size=4), up_to_minor=st.integers(0, 1200))
def test_it_never_refunds_more_than_is_left_nor_than_the_stage_allows(
    amounts: list[int], up_to_minor: int
) -> None:
    answerer = Answerer(up_to_minor=up_to_minor)
    left = 1000
    for n, amount_minor in enumerate(amounts):
        if amount_minor <= left:
            answerer.desk.refund(a_refund_request(f"key-{n}", amount_minor=amount_minor))
            left -= amount_minor
    before = len(answerer.desk.made)
    answerer.takes()
    answerer.run()
    made = [amount for amount, _ in answerer.refunded[before:]]
    assert made == ([left] if 0 < left <= up_to_minor else [])
    assert sum(amount for amount, _ in answerer.refunded) <= 1000
    is_for_people = up_to_minor == 0 or left > up_to_minor
    assert len(answerer.notices.sent) == is_for_people


@pytest.mark.parametrize(
    ("payment", "warning", "up_to_minor", "why"),
    [
        ({}, {}, 0, "This stage refunds nothing by itself."),
        ({}, {}, 999, "10.00 USD is more than the 9.99 USD that we refund unasked."),
        ({}, {"charge": "ch_2"}, 2000, "another charge than the payment's"),
        ({"status": PaymentStatus.AUTHORIZED}, {}, 2000, "The payment is authorized."),
    ],
)
def test_a_person_is_told_why_where_we_do_not_refund(
    payment: dict[str, Any], warning: dict[str, Any], up_to_minor: int, why: str
) -> None:
    answerer = Answerer(up_to_minor=up_to_minor)
    set_payment(answerer.desk, **payment)
    answerer.takes(a_warning(answerer.desk.row, **warning))
    (notice,) = answerer.notices.sent
    assert (notice.kind, notice.audience.value) == ("fraud_warning", "back_office")
    assert why in notice.text
    assert answerer.desk.operations.put_in == []
    assert answerer.desk.row.refunds == ()


def test_a_warning_that_nothing_can_be_done_about_needs_nobody() -> None:
    answerer = Answerer()
    answerer.takes(a_warning(answerer.desk.row, actionable=False))
    assert (answerer.desk.operations.put_in, answerer.notices.sent) == ([], [])


def test_a_second_warning_of_the_same_payment_finds_nothing_left() -> None:
    answerer = Answerer()
    answerer.takes()
    answerer.takes(a_warning(answerer.desk.row, id="issfr_2"))
    answerer.run()
    assert answerer.refunded == [(1000, "fraudulent")]
    assert answerer.notices.sent == []


def test_a_refund_that_a_caller_asks_for_meanwhile_is_counted() -> None:
    answerer = Answerer()
    answerer.desk.books.faults.before(
        "commit", lambda: answerer.desk.refund(a_refund_request(amount_minor=400))
    )
    answerer.takes(a_warning(a_paid_payment()))
    answerer.run()
    assert sorted(amount for amount, _ in answerer.refunded) == [400, 600]


def test_what_was_never_made_is_asked_anew_under_the_warnings_next_key() -> None:
    """A stored failure, and nothing listed 15 minutes later."""
    answerer = Answerer()
    answerer.takes()
    refund = only_refund(answerer.desk.row)
    assert refund.call is not None
    spent = replace(refund, call=refund.call.tried(at=int(answerer.desk.clock.now())).spent())
    set_payment(answerer.desk, refunds=(spent,))
    answerer.desk.clock.advance(16 * 60)
    answerer.desk.finish(KEY)
    assert answerer.refunded == [(1000, "fraudulent")]
    made = only_refund(answerer.desk.row)
    assert made.call is not None
    assert made.call.idempotency_key == "efw_issfr_1_a2"


def test_a_payment_that_is_not_there_yet_comes_again() -> None:
    answerer = Answerer()
    told = a_warning(answerer.desk.row)
    del answerer.desk.tables.payments["pay_1"]
    with pytest.raises(NotYetKnown):
        answerer.takes(told)


def test_endless_conflicts_come_again() -> None:
    answerer = Answerer()
    for _ in range(5):
        answerer.desk.books.faults.plan("commit", ChangedMeanwhile("pay_1"))
    with pytest.raises(ChangedMeanwhile):
        answerer.takes()


def test_a_domain_event_without_a_warning_is_no_answer() -> None:
    answerer = Answerer()
    told = replace(a_warning(answerer.desk.row), object=a_domain_event().object)
    with pytest.raises(InvalidRequest):
        answerer.takes(told)
