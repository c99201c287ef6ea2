"""What refunds' events do to a payment: one way, once, and in any order the same."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.aggregate import told
from paidonce.domain.ownership import Mark, owner_of
from paidonce.domain.payment import Payment
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.rulebook import FetchFirst, Verdict, rule_for
from paidonce.domain.stripe_call import CallState

from tests.examples import NOON, STAGE, a_look, an_event
from tests.use_cases.a_refund_desk import (
    a_paid_payment,
    a_refund_request,
    a_stripe_refund,
    only_refund,
    refunds_of,
)

TYPES = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")


def decided(
    payment: Payment, found: dict[str, Any], event_type: str = "refund.updated"
) -> Verdict[Payment]:
    rule = rule_for(event_type)
    assert rule is not None
    verdict = rule.decide(payment, a_look(found, NOON))
    assert not isinstance(verdict, FetchFirst)
    return verdict


def after(payment: Payment, *found: dict[str, Any]) -> Payment:
    for one in found:
        payment = decided(payment, one).after
    return payment


def a_reserved_payment() -> Payment:
    return a_refund_request(amount_minor=400).reserved(
        a_paid_payment(), stage="test", at=NOON, correlation_id="corr-1"
    )


def ours(status: str, **changes: Any) -> dict[str, Any]:
    """The refund that was reserved, as Stripe shows it."""
    call = only_refund(a_reserved_payment()).call
    assert call is not None
    return a_stripe_refund(status, metadata=call.params["metadata"], **changes)


@pytest.mark.parametrize("event_type", TYPES)
def test_a_refund_of_the_dashboard_appears_under_stripe_s_id(event_type: str) -> None:
    verdict = decided(a_paid_payment(), a_stripe_refund(), event_type)
    assert refunds_of(verdict.after) == {"re_1": (400, "succeeded")}
    assert verdict.after.amount_refunded_minor == 400
    assert verdict.after.refundable_minor == 600
    assert verdict.notices == (("refund.settled", "re_1"),)
    assert "re_1" in verdict.after.pointer_ids


def test_ours_is_found_by_its_mark_and_then_by_stripe_s_id() -> None:
    payment = after(a_reserved_payment(), ours("pending"))
    refund = only_refund(payment)
    assert refund.id == a_refund_request().refund_id
    assert refund.stripe_refund_id == "re_1"
    assert refund.call is not None
    assert refund.call.state is CallState.DONE
    without_marks = a_stripe_refund("succeeded")
    assert only_refund(after(payment, without_marks)).status is RefundStatus.SUCCEEDED


def test_a_second_refund_with_our_mark_is_another_one() -> None:
    """Money that went back twice is shown twice."""
    payment = after(a_reserved_payment(), ours("succeeded"), ours("succeeded", id="re_2"))
    assert payment.amount_refunded_minor == 800
    assert len(payment.refunds) == 2


def test_a_refund_that_fails_after_success_is_shown_as_not_refunded() -> None:
    payment = after(a_reserved_payment(), ours("succeeded"))
    verdict = decided(payment, ours("failed"), "refund.failed")
    assert verdict.after.amount_refunded_minor == 0
    assert verdict.after.refundable_minor == 1000
    assert verdict.after.view()["refunds"][0]["status"] == "failed"
    assert verdict.notices == (("refund.failed", a_refund_request().refund_id),)
    # And never the other way.
    assert after(verdict.after, ours("succeeded")) == verdict.after


def test_what_was_refused_is_taken_back_when_stripe_shows_it_all_the_same() -> None:
    reserved = a_reserved_payment()
    refused = only_refund(reserved).refused("state_conflict", stripe_code="charge_disputed")
    payment = reserved.with_refund(refused)
    assert payment.refundable_minor == 1000
    shown = after(payment, ours("succeeded"))
    assert shown.amount_refunded_minor == 400
    assert only_refund(shown).call is not None


def test_two_events_of_one_change_make_one_change() -> None:
    payment = after(a_paid_payment(), a_stripe_refund("pending"))
    for event_type in TYPES:
        again = decided(payment, a_stripe_refund("pending"), event_type)
        assert again == Verdict(after=payment)


def test_pending_is_told_once_however_stripe_calls_it() -> None:
    payment = after(a_paid_payment(), a_stripe_refund("pending"))
    assert decided(payment, a_stripe_refund("requires_action")).notices == ()
    assert decided(a_paid_payment(), a_stripe_refund("requires_action")).notices == (
        ("refund.pending", "re_1"),
    )


def test_a_status_that_is_not_said_yet_is_pending() -> None:
    found = a_stripe_refund() | {"status": None}
    assert only_refund(after(a_paid_payment(), found)).status is RefundStatus.PENDING


def test_a_status_that_is_new_to_us_fails_loudly() -> None:
    with pytest.raises(ValueError, match="reversed"):
        decided(a_paid_payment(), a_stripe_refund("reversed"))


def test_a_refund_may_be_known_before_its_payment_is_paid() -> None:
    payment = after(replace(a_paid_payment(), amount_captured_minor=0), a_stripe_refund())
    assert payment.refundable_minor == 0
    assert payment.amount_refunded_minor == 400


def test_an_event_s_id_names_the_refund() -> None:
    before = a_paid_payment()
    verdict = decided(before, a_stripe_refund())
    written = verdict.after.written(at="now")
    (event,) = told(before, written, notices=verdict.notices, at="then")
    assert (event.id, event.type) == ("pay_1.2.refund.settled.re_1", "refund.settled")
    assert event.object["amount_refunded_minor"] == 400


# --- charge.refunded ------------------------------------------------------------------------------


def a_charge(*refunds: dict[str, Any], **changes: Any) -> dict[str, Any]:
    carried = {"refunds": {"object": "list", "data": list(refunds)}} if refunds else {}
    return {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"} | carried | changes


def test_a_refunded_charge_changes_nothing_by_itself() -> None:
    payment = a_paid_payment()
    charge = a_charge(amount_refunded=400, refunded=False, refunds=None)
    assert decided(payment, charge, "charge.refunded") == Verdict(after=payment)


def test_a_charge_that_carries_its_refunds_tells_of_each() -> None:
    charge = a_charge(a_stripe_refund(), a_stripe_refund("pending", id="re_2", amount=100))
    verdict = decided(a_paid_payment(), charge, "charge.refunded")
    assert refunds_of(verdict.after) == {"re_1": (400, "succeeded"), "re_2": (100, "pending")}
    assert verdict.notices == (("refund.settled", "re_1"), ("refund.pending", "re_2"))


# --- order ----------------------------------------------------------------------------------------

STATUSES = ("pending", "requires_action", "succeeded", "failed")


@pytest.mark.parametrize("order", list(permutations(STATUSES)))
def test_in_any_order_the_last_stage_stands(order: tuple[str, ...]) -> None:
    payment = after(a_reserved_payment(), *(ours(status) for status in order))
    assert refunds_of(payment) == {a_refund_request().refund_id: (400, "failed")}


SEEN = st.builds(
    lambda number, status: a_stripe_refund(
        status,
        id=f"re_{number}",
        amount=100 * number,
        metadata=ours("pending")["metadata"] if number == 1 else {},
    ),
    st.integers(1, 3),
    st.sampled_from(STATUSES),
)


IN_TWO_ORDERS = st.lists(SEEN, min_size=1, max_size=8).flatmap(
    lambda seen: st.tuples(st.just(seen), st.permutations(seen))
)


@given(IN_TWO_ORDERS)
def test_every_permutation_ends_the_same(orders: tuple[list[Any], list[Any]]) -> None:
    one, other = (after(a_reserved_payment(), *order) for order in orders)
    assert refunds_of(one) == refunds_of(other)
    assert one.amount_refunded_minor == other.amount_refunded_minor
    assert after(one, *orders[0]) == one


# --- whose ----------------------------------------------------------------------------------------


def test_our_mark_names_the_payment() -> None:
    owner = owner_of(an_event("refund.created", ours("succeeded")), STAGE)
    assert (owner.mark, owner.aggregate_id) == (Mark.OURS, "pay_1")


def test_another_stage_s_mark_is_foreign() -> None:
    found = a_stripe_refund(metadata={"paidonce_stage": "other", "paidonce_payment": "pay_1"})
    assert owner_of(an_event("refund.created", found), STAGE).mark is Mark.FOREIGN


@pytest.mark.parametrize("expanded", [False, True])
def test_without_marks_its_own_pointer_goes_before_its_parents(expanded: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    parents = {"charge": "ch_1", "payment_intent": "pi_1"}
    found = a_stripe_refund() | {
        name: {"id": parent} if expanded else parent for name, parent in parents.items()
    }
    owner = owner_of(an_event("refund.created", found), STAGE)
    assert owner.mark is Mark.NONE
    assert owner.pointer_ids == ("re_1", "ch_1", "pi_1")


def test_a_reserved_refund_shows_as_pending() -> None:
    refund = Refund(id="ref_1", amount_minor=1, status=RefundStatus.RESERVED)
    assert refund.whole(payment_id="pay_1", currency="usd") == {
        "id": "ref_1",
        "payment_id": "pay_1",
        "stripe_refund_id": None,
        "amount_minor": 1,
        "currency": "usd",
        "status": "pending",
        "reason": None,
    }
