"""Capture and cancel: recorded, sent and noted once, whoever else moves the payment meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    FailureStored,
    IdempotencyConflict,
    InvalidRequest,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.ledger import Outcome
from paidonce.domain.operation import Operation
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CALLS_MAX
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.change_payment import Changed

from tests.use_cases.a_shop import Shop, a_caller, a_request, set_row
from tests.use_cases.operations import asked, cancels, captures

CAPTURE_PATH = "/v1/payment_intents/{id}/capture"
CANCEL_PATH = "/v1/payment_intents/{id}/cancel"
UNEXPECTED = StripeRefused(
    "wrong state", stripe_code="payment_intent_unexpected_state", http_status=400
)


def an_authorized_shop() -> Shop:
    """The shopper has confirmed a payment that is captured by hand."""
    shop = Shop()
    shop.take(a_request(capture="manual"))
    (intent,) = shop.intents
    intent |= {"status": "requires_capture", "latest_charge": "ch_1"}
    set_row(shop, status=PaymentStatus.AUTHORIZED, charge_id="ch_1")
    return shop


@pytest.fixture
def shop() -> Shop:
    return an_authorized_shop()


Change = Callable[..., Changed]
both = pytest.mark.parametrize("change", [captures, cancels])


def test_a_capture_is_recorded_made_and_noted_but_never_paid(shop: Shop) -> None:
    seen: list[Payment] = []
    shop.calls.faults.before("send", lambda: seen.append(shop.row))
    changed = captures(shop)
    key = f"{shop.row.id}_capture_1"
    (standing,) = seen[0].calls
    assert standing.state is CallState.OPEN
    assert standing.first_tried_at == standing.last_tried_at is not None
    assert (standing.idempotency_key, dict(standing.params)) == (key, {"amount_to_capture": 1000})
    assert shop.calls.keys == [key]
    assert (changed.is_known, changed.is_repeat) == (True, False)
    assert shop.intents[0]["status"] == "succeeded"
    # The event or a reading says that it is paid, no answer of ours does.
    assert changed.payment.status is PaymentStatus.AUTHORIZED
    assert shop.row.calls[0].state is CallState.DONE
    row = shop.tables.rows[f"answer#{key}"]
    assert (row.outcome, row.reason) == (Outcome.UNCHANGED, "answer_waits_for_event")
    assert (row.event_type, row.aggregate_id) == ("answer.payment_intent.capture", shop.row.id)
    assert shop.row.updated_at == seen[0].updated_at


def test_a_part_is_captured_and_more_than_all_is_not(shop: Shop) -> None:
    with pytest.raises(InvalidRequest) as raised:
        captures(shop, amount_minor=1001)
    assert raised.value.fields == {"amount_minor": "must be at most 1000"}
    assert not shop.row.calls
    captures(shop, amount_minor=400)
    assert shop.intents[0]["amount_received"] == 400


def test_a_cancel_is_recorded_made_and_noted(shop: Shop) -> None:
    changed = cancels(shop, reason="abandoned")
    assert changed.payment.status is PaymentStatus.CANCELED
    assert shop.calls.keys == [f"{shop.row.id}_cancel_1"]
    assert shop.intents[0]["cancellation_reason"] == "abandoned"
    row = shop.tables.rows[f"answer#{shop.row.id}_cancel_1"]
    assert [event.type for event in row.domain_events] == ["payment.canceled"]
    assert not shop.row.cancel_requested


def test_after_a_cancel_the_order_can_be_asked_for_anew(shop: Shop) -> None:
    cancels(shop)
    second = shop.take(a_request("key-2"))
    assert second.client_secret is not None
    assert len(shop.tables.payments) == 2


@both
def test_a_repeat_is_answered_from_the_row(shop: Shop, change: Change) -> None:
    first = change(shop)
    again = change(shop)
    assert again.is_repeat
    assert again.payment == first.payment
    assert len(shop.calls.keys) == 1


@both
def test_the_same_key_with_another_body_is_refused(shop: Shop, change: Change) -> None:
    change(shop)
    with pytest.raises(IdempotencyConflict):
        CancelPayment(change_payment=shop.change_payment)(
            asked(shop, body="another"), correlation_id="c", time_left=shop.clock.time_left(22)
        )


@both
def test_a_payment_of_another_user_is_not_there(shop: Shop, change: Change) -> None:
    for payment_id, user in ((shop.row.id, "user-2"), ("pay_unknown", "user-1"), ("pi_1", "u")):
        with pytest.raises(NotFound):
            CancelPayment(change_payment=shop.change_payment)(
                asked(shop, payment_id=payment_id, caller=a_caller(user)),
                correlation_id="c",
                time_left=shop.clock.time_left(22),
            )
    assert change(shop).is_known


def test_what_is_final_needs_no_call(shop: Shop) -> None:
    set_row(shop, status=PaymentStatus.CANCELED)
    assert cancels(shop).payment.status is PaymentStatus.CANCELED
    with pytest.raises(StateConflict):
        captures(shop)
    set_row(shop, status=PaymentStatus.PAID, amount_captured_minor=1000)
    with pytest.raises(StateConflict, match="refund it instead"):
        cancels(shop)
    assert captures(shop).payment.status is PaymentStatus.PAID
    with pytest.raises(StateConflict):
        captures(shop, "change-2", amount_minor=500)
    assert shop.calls.keys == []


def test_a_payment_that_is_captured_by_itself_takes_no_capture() -> None:
    shop = Shop()
    shop.take(a_request())
    with pytest.raises(StateConflict):
        captures(shop)


def test_a_capture_without_an_intent_is_refused() -> None:
    shop = Shop()
    shop.gateway.faults.plan("create_intent", OutcomeUnknown("away"))
    shop.take(a_request(capture="manual"))
    with pytest.raises(StateConflict):
        captures(shop)


@both
def test_an_unknown_outcome_is_left_to_run_operation(shop: Shop, change: Change) -> None:
    shop.calls.faults.plan("send.after", OutcomeUnknown("no answer"))
    changed = change(shop)
    (call,) = shop.row.calls
    assert not changed.is_known
    assert call.state is CallState.OPEN
    (operation,) = shop.operations.put_in
    assert operation == Operation(
        aggregate_id=shop.row.id, call=call.idempotency_key, correlation_id="corr-1"
    )
    # The repeat asks with the same key, and is told what became of it.
    assert change(shop).is_known
    assert shop.calls.keys == [call.idempotency_key] * 2
    assert len(shop.stripe.made) == 2


def test_a_cancel_that_was_answered_late_is_canceled_all_the_same(shop: Shop) -> None:
    """The replayed answer is old, but nothing comes after `canceled`."""
    shop.calls.faults.plan("send.after", OutcomeUnknown("no answer"))
    cancels(shop)
    assert cancels(shop).payment.status is PaymentStatus.CANCELED


@both
def test_an_answer_that_cannot_be_noted_is_left_to_run_operation(
    shop: Shop, change: Change
) -> None:
    shop.books.faults.plan("commit", *[ChangedMeanwhile("x")] * 5)
    assert not change(shop).is_known
    assert len(shop.operations.put_in) == 1
    assert change(shop).is_known


@both
def test_neither_outcome_nor_queue_is_an_error_that_asks_for_a_repeat(
    shop: Shop, change: Change
) -> None:
    shop.calls.faults.plan("send", OutcomeUnknown("no answer"))
    shop.operations.faults.plan("put", RuntimeError("no queue"))
    with pytest.raises(OutcomeUnknown, match="neither"):
        change(shop)
    assert shop.row.calls[0].state is CallState.OPEN
    assert change(shop).is_known


@both
def test_a_stored_failure_spends_the_key(shop: Shop, change: Change) -> None:
    shop.calls.faults.plan("send", FailureStored("500"))
    assert not change(shop).is_known
    assert shop.row.calls[0].is_spent
    assert not change(shop).is_known
    assert len(shop.calls.faults.calls) == 1


@both
@pytest.mark.parametrize(
    "error", [KeyRefused("401", http_status=401), NotConfigured("x"), TryAgain("x")]
)
def test_a_blocked_key_leaves_a_record_to_go_on_with(
    shop: Shop, change: Change, error: Exception
) -> None:
    shop.calls.faults.plan("send", error)
    with pytest.raises(type(error)):
        change(shop)
    assert change(shop).is_known


def test_a_placeholder_leaves_no_trace(shop: Shop) -> None:
    shop.key.faults.plan("read_key", NotConfigured("x"))
    with pytest.raises(NotConfigured):
        captures(shop)
    assert not shop.row.calls


def test_a_capture_after_somebody_canceled_is_a_conflict_and_shows_the_state(shop: Shop) -> None:
    shop.intents[0]["status"] = "canceled"
    with pytest.raises(StateConflict, match="canceled"):
        captures(shop)
    assert shop.row.status is PaymentStatus.CANCELED
    (call,) = shop.row.calls
    assert (call.state, call.refusal) == (CallState.REFUSED, "state_conflict")
    with pytest.raises(StateConflict) as raised:
        captures(shop)
    assert raised.value.is_repeat
    assert len(shop.calls.keys) == 1


def test_a_cancel_after_somebody_canceled_is_what_was_wanted(shop: Shop) -> None:
    shop.intents[0]["status"] = "canceled"
    assert cancels(shop).payment.status is PaymentStatus.CANCELED
    assert shop.row.calls[0].state is CallState.REFUSED


def test_a_cancel_after_somebody_captured_is_a_conflict_and_the_reading_says_paid(
    shop: Shop,
) -> None:
    shop.intents[0] |= {"status": "succeeded", "amount_received": 1000}
    with pytest.raises(StateConflict, match="paid"):
        cancels(shop)
    assert shop.row.status is PaymentStatus.PAID
    assert [e.type for r in shop.tables.rows.values() for e in r.domain_events] == ["payment.paid"]


def test_a_capture_after_somebody_captured_is_what_was_wanted_unless_less_was(shop: Shop) -> None:
    shop.intents[0] |= {"status": "succeeded", "amount_received": 400}
    with pytest.raises(StateConflict):
        captures(shop)
    assert captures(shop, "change-2", amount_minor=400).payment.status is PaymentStatus.PAID


def test_a_state_that_cannot_be_read_is_unknown(shop: Shop) -> None:
    shop.intents[0]["status"] = "canceled"
    shop.calls.faults.plan("get", TryAgain("away"))
    assert not captures(shop).is_known
    assert len(shop.operations.put_in) == 1


@pytest.mark.parametrize("reading", [None, TryAgain("away")])
def test_a_declined_capture_is_told_each_time_in_words_for_the_shopper(
    shop: Shop, reading: Exception | None
) -> None:
    declined = CardDeclined("words", stripe_code="card_declined", decline_code="insufficient_funds")
    shop.calls.faults.plan("send", declined)
    if reading:
        shop.calls.faults.plan("get", reading)
    for repeat in (False, True):
        with pytest.raises(CardDeclined, match="insufficient funds") as raised:
            captures(shop)
        assert raised.value.is_repeat is repeat
    assert shop.row.status is PaymentStatus.AUTHORIZED
    assert shop.calls.keys == []
    assert captures(shop, "change-2").is_known


def test_a_wrong_request_is_refused_once_and_for_ever(shop: Shop) -> None:
    error = StripeRefused("x", stripe_code="parameter_unknown", param="amount", http_status=400)
    shop.calls.faults.plan("send", error)
    for _ in range(2):
        with pytest.raises(StripeRefused) as raised:
            captures(shop)
        assert raised.value.stripe_code == "parameter_unknown"
    assert shop.calls.faults.calls.count("send") == 1


def test_the_row_holds_only_so_many_calls(shop: Shop) -> None:
    (call,) = cancels(shop).payment.calls
    calls = tuple(replace(call, idempotency_key=f"k{n}") for n in range(CALLS_MAX))
    set_row(shop, calls=calls, status=PaymentStatus.AUTHORIZED)
    with pytest.raises(StateConflict, match="limit"):
        captures(shop, "change-9")


# --- a cancel without an intent -------------------------------------------------------------------


def a_shop_without_an_answer(**planned: Any) -> Shop:
    shop = Shop()
    for name, error in (planned or {"create_intent.after": OutcomeUnknown("lost")}).items():
        shop.gateway.faults.plan(name, error)
    shop.take(a_request())
    shop.operations.put_in.clear()
    return shop


def test_a_cancel_without_an_intent_is_a_wish_in_the_row() -> None:
    shop = a_shop_without_an_answer()
    assert not cancels(shop).is_known
    assert shop.row.cancel_requested
    (operation,) = shop.operations.put_in
    assert operation.call == f"{shop.row.id}_cancel_1"
    assert shop.calls.keys == []
    # Who asks for the payment again makes nothing new of what is being canceled.
    shop.take(a_request())
    assert shop.gateway.keys == [f"{shop.row.id}_a1"]
    assert shop.row.status is PaymentStatus.PENDING


# --- at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("first_key", ["change-1", "change-2"])
def test_capture_and_cancel_at_once_leave_one_of_both(shop: Shop, first_key: str) -> None:
    """The cancel is asked for while the capture is on its way: Stripe decides, and both hear it."""
    shop.calls.faults.before("send", lambda: cancels(shop, "cancel-key"))
    with pytest.raises(StateConflict):
        captures(shop, first_key)
    assert shop.row.status is PaymentStatus.CANCELED
    assert {c.kind: c.state for c in shop.row.calls} == {
        "capture": CallState.REFUSED,
        "cancel": CallState.DONE,
    }


def test_a_capture_that_is_faster_than_the_cancel_wins(shop: Shop) -> None:
    shop.calls.faults.before("send", lambda: captures(shop, "capture-key"))
    with pytest.raises(StateConflict, match="paid"):
        cancels(shop)
    assert shop.row.status is PaymentStatus.PAID


@both
def test_two_requests_with_one_key_at_once_make_one_call(shop: Shop, change: Change) -> None:
    shop.payments.faults.before("save", lambda: change(shop))
    assert change(shop).is_known
    assert len(shop.row.calls) == 1
    assert len({*shop.calls.keys}) == 1
