"""Who is told of what, in which words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.next_step import NextStep, next_step
from paidonce.domain.notice import Audience, Notice, amount, notice_of

from tests.a_change import a_domain_event, a_told_row
from tests.examples import STAGE, a_payment

REFUND = {"id": "re_1", "amount_minor": 400, "status": "failed", "reason": None}
DISPUTE = {
    "id": "dp_1",
    "amount_minor": 1000,
    "status": "needs_response",
    "reason": "fraudulent",
    "due_by": "2026-10-01T00:00:00.000Z",
}
SUBSCRIPTION = {"id": "sub_1", "user_id": "user-1", "status": "past_due"}


def told(event_type: str, found: dict[str, Any] | None = None, suffix: str = "") -> Announcement:
    view = a_payment().view() if found is None else found
    event = a_domain_event(event_type, id=f"{view['id']}.3.{event_type}{suffix}", object=view)
    return announcements_of(a_told_row(event), STAGE)[0]


def notice(event_type: str, found: dict[str, Any] | None = None, suffix: str = "") -> Notice:
    made = notice_of(told(event_type, found, suffix))
    assert made is not None
    return made


def test_a_receipt_names_amount_order_and_customer() -> None:
    assert notice("payment.paid") == Notice(
        id="pay_1.3.payment.paid",
        kind="receipt",
        audience=Audience.CUSTOMER,
        subject="Your payment for order order-1",
        text="We received 10.00 USD for order order-1. Thank you.\nReference: pay_1",
        object_id="pay_1",
        user_id="user-1",
    )


def test_a_failed_refund_goes_to_the_back_office_with_its_own_amount() -> None:
    other = {"id": "re_2", "amount_minor": 100, "status": "succeeded", "reason": None}
    payment = a_payment().view() | {"refunds": [other, REFUND]}
    made = notice("refund.failed", payment, ".re_1")
    assert (made.audience, made.kind) == (Audience.BACK_OFFICE, "refund_failed")
    assert made.text.startswith("4.00 USD of payment pay_1 (order order-1) did not reach")


def test_a_dispute_goes_to_the_back_office_with_the_day_that_counts() -> None:
    payment = a_payment().view() | {"disputes": [DISPUTE]}
    made = notice("dispute.opened", payment, ".dp_1")
    assert made.audience is Audience.BACK_OFFICE
    assert "Amount: 10.00 USD" in made.text
    assert "Reason: fraudulent" in made.text
    assert "Evidence is due by 2026-10-01T00:00:00.000Z." in made.text
    assert "Evidence" not in notice("dispute.lost", payment, ".dp_1").text


@pytest.mark.parametrize(
    ("error", "step"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, NextStep.ADD_FUNDS),
        ({"code": "authentication_required", "decline_code": None}, NextStep.CONFIRM),
        ({"code": "expired_card", "decline_code": "expired_card"}, NextStep.NEW_CARD),
        ({"code": "card_declined", "decline_code": "try_again_later"}, NextStep.WAIT),
        ({"code": "card_declined", "decline_code": "do_not_honor"}, NextStep.CALL_BANK),
        ({"code": "card_declined", "decline_code": "a_new_code"}, NextStep.NEW_CARD),
        (None, NextStep.NEW_CARD),
    ],
)
def test_a_failed_renewal_says_the_next_step(
    error: dict[str, str | None] | None, step: NextStep
) -> None:
    made = notice("subscription.past_due", SUBSCRIPTION | {"last_error": error})
    assert (made.audience, made.user_id) == (Audience.CUSTOMER, "user-1")
    assert step.value in made.text


@pytest.mark.parametrize("decline_code", ["fraudulent", "lost_card", "stolen_card", "pickup_card"])
def test_a_thief_is_told_no_more_than_anybody(decline_code: str) -> None:
    assert next_step(code="card_declined", decline_code=decline_code) is NextStep.NEW_CARD


@pytest.mark.parametrize(
    "event_type", ["payment.failed", "payment.canceled", "customer.changed", "refund.settled"]
)
def test_nobody_is_told_of_the_rest(event_type: str) -> None:
    assert notice_of(told(event_type)) is None


@given(st.integers(0, 99_999_999))
def test_an_amount_is_written_as_people_do(minor: int) -> None:
    assert amount(minor, "usd") == f"{minor // 100}.{minor % 100:02} USD"
    assert amount(minor, "jpy") == f"{minor} JPY"
    assert amount(minor, "kwd") == f"{minor // 1000}.{minor % 1000:03} KWD"
