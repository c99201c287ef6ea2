"""Whatever became of a call's first tries, run_operation brings it to one end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.errors import (
    ChangedMeanwhile,
    FailureStored,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.take_payment import How

from tests.use_cases.a_shop import KEY_FRESH_SECONDS, Shop, a_request, set_row
from tests.use_cases.operations import (
    ABSENT_AFTER_SECONDS,
    Runner,
    cancels,
    captures,
)
from tests.use_cases.test_capture_and_cancel import an_authorized_shop, both

LOST_BEFORE = {"create_intent": OutcomeUnknown("lost before")}
LOST_AFTER = {"create_intent.after": OutcomeUnknown("lost after")}
lost = pytest.mark.parametrize("planned", [LOST_BEFORE, LOST_AFTER], ids=["before", "after"])


def after_a_lost_answer(planned: Mapping[str, Exception], **changes: Any) -> Runner:
    """A payment whose creation has no answer; its operation is queued."""
    shop = Shop()
    for name, error in planned.items():
        shop.gateway.faults.plan(name, error)
    taken = shop.take(a_request(**changes))
    assert taken.how is How.NOT_KNOWN_YET
    assert [o.call for o in shop.operations.put_in] == [f"{shop.row.id}_a1"]
    return Runner(shop)


def spent(runner: Runner) -> None:
    """Stripe has stored a failure under the creation's key."""
    set_row(runner.shop, creation=replace(runner.shop.row.creation, is_spent=True))


def outcomes(shop: Shop) -> dict[str, str]:
    """Ledger rows without the payment's id."""
    return {
        name.removeprefix(f"answer#{shop.row.id}"): row.outcome.value
        for name, row in shop.tables.rows.items()
    }


# --- creations ------------------------------------------------------------------------------------


@lost
def test_a_creation_is_ended_with_the_same_key_while_it_is_fresh(
    planned: Mapping[str, Exception],
) -> None:
    runner = after_a_lost_answer(planned)
    runner.drain()
    shop = runner.shop
    (intent,) = shop.intents
    assert shop.row.payment_intent_id == intent["id"]
    assert shop.calls.keys == [f"{shop.row.id}_a1"]
    assert outcomes(shop) == {"_a1": "applied"}
    assert shop.take(a_request()).client_secret == intent["client_secret"]


@pytest.mark.parametrize("why", ["old", "spent"])
def test_what_was_made_is_found_in_the_list_and_adopted(why: str) -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    shop = runner.shop
    if why == "old":
        shop.clock.advance(KEY_FRESH_SECONDS)
    else:
        spent(runner)
    shop.stripe.objects["pi_other"] = shop.intents[0] | {"id": "pi_other", "metadata": {}}
    runner.drain()
    assert shop.row.payment_intent_id == "pi_fake000001"
    assert shop.calls.keys == []
    assert shop.tables.pointers["pi_fake000001"].aggregate_id == shop.row.id
    assert (shop.row.creation.attempt, len(shop.intents)) == (1, 2)


def test_what_is_found_paid_is_paid_since_a_reading_may_say_so() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    shop = runner.shop
    shop.intents[0] |= {"status": "succeeded", "amount_received": 1000}
    spent(runner)
    runner.drain()
    assert shop.row.status is PaymentStatus.PAID


def test_an_intent_of_another_attempt_is_not_adopted() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    shop = runner.shop
    shop.intents[0]["metadata"]["paidonce_attempt"] = "7"
    spent(runner)
    assert runner.runs(shop.operations.put_in.pop())
    assert shop.row.payment_intent_id is None


def test_absence_is_proven_only_long_enough_after_the_last_try() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    spent(runner)
    last = shop.row.creation.last_tried_at
    assert last is not None
    operation = shop.operations.put_in.pop()
    shop.clock.time = last + ABSENT_AFTER_SECONDS - 1
    assert runner.runs(operation)
    assert shop.row.creation.attempt == 1
    assert outcomes(shop) == {"_a1": "waiting"}
    shop.clock.time = last + ABSENT_AFTER_SECONDS + 1
    runner.drain()
    (intent,) = shop.intents
    assert shop.row.payment_intent_id == intent["id"]
    assert shop.row.creation.attempt == 2
    assert intent["metadata"]["paidonce_attempt"] == "2"
    assert shop.calls.keys == [f"{shop.row.id}_a2"]
    assert outcomes(shop) == {"_a1": "unchanged", "_a2": "applied"}


def test_the_attempt_does_not_rise_over_a_try_that_came_after_the_list() -> None:
    """The list shows nothing, then somebody tries again: the proof is worth nothing."""
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    spent(runner)
    shop.clock.advance(ABSENT_AFTER_SECONDS + 10)
    shop.books.faults.before("commit", lambda: shop.payments.note_try(shop.row, at=1))
    assert runner.runs(shop.operations.put_in.pop())
    assert shop.row.creation.attempt == 1
    assert outcomes(shop) == {"_a1": "waiting"}


def test_a_creation_that_fails_again_and_again_and_is_stored_gets_a_new_key() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    shop.calls.faults.plan("send", TryAgain("429"), OutcomeUnknown("slow"), FailureStored("500"))
    runner.drain()
    assert shop.row.creation.attempt == 2
    assert len(shop.intents) == 1
    assert shop.calls.faults.calls.count("send") == 4


def test_a_creation_that_stripe_calls_wrong_is_tried_once() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    shop.calls.faults.plan("send", StripeRefused("x", stripe_code="parameter_unknown"))
    runner.drain()
    assert shop.calls.faults.calls.count("send") == 1
    assert shop.tables.rows[f"answer#{shop.row.id}_a1"].reason == "invalid_request"


def test_a_creation_that_a_webhook_adopted_needs_no_call() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    shop = runner.shop
    set_row(shop, payment_intent_id=shop.intents[0]["id"])
    runner.drain()
    assert shop.calls.faults.calls == []
    assert outcomes(shop) == {"_a1": "unchanged"}


def test_a_next_attempt_that_cannot_be_queued_comes_again() -> None:
    """The first key's ledger row is final by then, so only the message itself can bring it back."""
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    spent(runner)
    shop.clock.advance(ABSENT_AFTER_SECONDS + 1)
    operation = shop.operations.put_in.pop()
    shop.operations.faults.plan("put", TryAgain("full"))
    assert not runner.runs(operation)
    assert shop.row.creation.attempt == 2
    assert runner.runs(operation, receive_count=5)
    runner.drain()
    assert shop.row.payment_intent_id is not None


# --- cancels without an intent --------------------------------------------------------------------


@lost
@pytest.mark.parametrize("order", ["create first", "cancel first"])
def test_a_cancel_first_ends_the_creation(planned: Mapping[str, Exception], order: str) -> None:
    runner = after_a_lost_answer(planned)
    shop = runner.shop
    cancels(shop)
    if order == "cancel first":
        shop.operations.put_in.reverse()
    runner.drain()
    assert shop.row.status is PaymentStatus.CANCELED
    assert [i["status"] for i in shop.intents] == ["canceled"]
    assert {c.state for c in shop.row.calls} == {CallState.DONE}
    assert shop.take(a_request("key-2")).how is How.MADE


def test_a_cancel_of_a_creation_that_was_never_tried_makes_no_call() -> None:
    """The process died before it asked Stripe: the row itself proves that nothing was made."""
    shop = Shop()
    request = a_request()
    payment = shop.payments.open(
        request.recorded(stage="test", at="2026-11-22T12:00:00.000Z", correlation_id="corr-1"),
        claim_id=request.claim_id,
    )
    runner = Runner(shop)
    assert not cancels(shop).is_known
    runner.drain()
    assert shop.row.status is PaymentStatus.CANCELED
    assert (shop.calls.faults.calls, shop.intents) == ([], [])
    events = [e.type for row in shop.tables.rows.values() for e in row.domain_events]
    assert events == ["payment.canceled"]
    # Whoever had read the row before can make nothing of it any more.
    with pytest.raises(ChangedMeanwhile):
        shop.payments.note_try(payment, at=1)
    assert shop.take(a_request()).payment.status is PaymentStatus.CANCELED
    assert shop.intents == []


def test_the_claim_is_free_only_when_canceled_stands_in_the_row() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    spent(runner)
    cancels(shop)
    assert shop.take(a_request("key-2")).how is How.NOT_KNOWN_YET
    shop.clock.advance(ABSENT_AFTER_SECONDS + 1)
    runner.drain()
    assert shop.row.status is PaymentStatus.CANCELED
    assert shop.intents == []
    assert shop.take(a_request("key-3")).how is How.MADE
    assert len(shop.intents) == 1


def test_a_creation_that_stripe_calls_wrong_can_be_canceled() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    cancels(shop)
    refused = StripeRefused("x", stripe_code="parameter_unknown")
    shop.calls.faults.plan("send", refused)
    runner.drain()
    assert shop.row.status is PaymentStatus.CANCELED


def test_a_creation_that_stripe_called_wrong_can_be_asked_for_once_the_cause_is_mended() -> None:
    """Its key's ledger row is final: under the same key nobody could note what is made then."""
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    shop.calls.faults.plan("send", StripeRefused("x", stripe_code="amount_too_small"))
    runner.drain()
    assert outcomes(shop) == {"_a1": "unchanged"}
    assert shop.intents == []
    taken = shop.take(a_request())
    (intent,) = shop.intents
    assert (taken.how, taken.client_secret) == (How.MADE, intent["client_secret"])
    assert shop.row.payment_intent_id == intent["id"]
    assert outcomes(shop) == {"_a1": "unchanged", "_a2": "applied"}


# --- captures and cancels -------------------------------------------------------------------------


@both
@pytest.mark.parametrize("name", ["send", "send.after"])
def test_a_call_is_ended_with_the_same_key_while_it_is_fresh(change: Any, name: str) -> None:
    shop = an_authorized_shop()
    runner = Runner(shop)
    shop.calls.faults.plan(name, OutcomeUnknown("lost"))
    assert not change(shop).is_known
    runner.drain()
    assert len({*shop.calls.keys}) == 1
    assert shop.row.calls[0].state is CallState.DONE
    assert shop.intents[0]["status"] == ("succeeded" if change is captures else "canceled")


@both
@pytest.mark.parametrize("name", ["send", "send.after"])
def test_a_spent_key_is_followed_by_what_the_intent_itself_says(change: Any, name: str) -> None:
    shop = an_authorized_shop()
    runner = Runner(shop)
    shop.calls.faults.plan(name, FailureStored("stored"))
    assert not change(shop).is_known
    runner.drain()
    calls = shop.row.calls
    assert calls[-1].state is CallState.DONE
    assert len(calls) == (2 if name == "send" else 1)
    assert shop.intents[0]["status"] == ("succeeded" if change is captures else "canceled")
    kind = "capture" if change is captures else "cancel"
    if name == "send":
        assert [c.refusal for c in calls] == ["never_made", None]
        assert shop.calls.keys == [f"{shop.row.id}_{kind}_2"]
    assert {row.outcome.is_final for row in shop.tables.rows.values()} == {True}
    # The caller's own repeat is answered by the call that took its place.
    assert change(shop).is_repeat


@both
def test_a_key_that_stripe_may_have_forgotten_is_not_sent(change: Any) -> None:
    shop = an_authorized_shop()
    runner = Runner(shop)
    shop.calls.faults.plan("send.after", OutcomeUnknown("lost"))
    assert not change(shop).is_known
    sent = list(shop.calls.keys)
    shop.clock.advance(KEY_FRESH_SECONDS)
    runner.drain()
    assert shop.calls.keys == sent
    assert shop.row.calls[0].state is CallState.DONE


@both
def test_a_call_of_a_payment_that_is_final_by_now_needs_no_call(change: Any) -> None:
    shop = an_authorized_shop()
    runner = Runner(shop)
    shop.calls.faults.plan("send.after", OutcomeUnknown("lost"))
    assert not change(shop).is_known
    ended = PaymentStatus.PAID if change is captures else PaymentStatus.CANCELED
    set_row(shop, status=ended, amount_captured_minor=1000)
    asked = len(shop.calls.faults.calls)
    runner.drain()
    assert len(shop.calls.faults.calls) == asked
    assert shop.row.calls[0].state is CallState.DONE


def test_a_refused_operation_ends() -> None:
    shop = an_authorized_shop()
    runner = Runner(shop)
    shop.calls.faults.plan("send", OutcomeUnknown("lost"), StripeRefused("x", stripe_code="odd"))
    assert not captures(shop).is_known
    runner.drain()
    assert shop.row.calls[0].state is CallState.REFUSED
    assert shop.telemetry.counts["DeadEvents"] == 0
