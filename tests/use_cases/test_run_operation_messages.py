"""An operation as a message: it waits, fails, comes twice; strays; what others end."""

import pytest
from paidonce.domain.errors import OutcomeUnknown, TryAgain
from paidonce.domain.operation import Operation

from tests.use_cases.a_shop import Shop, a_request, set_row
from tests.use_cases.operations import GIVE_UP_AFTER_SECONDS, Runner
from tests.use_cases.test_run_operation import (
    LOST_AFTER,
    LOST_BEFORE,
    after_a_lost_answer,
    outcomes,
)

# --- strays ---------------------------------------------------------------------------------------


def a_stray(runner: Runner, status: str = "requires_payment_method") -> Operation:
    shop = runner.shop
    shop.take(a_request())
    stray = shop.intents[0] | {"id": "pi_stray", "status": status}
    shop.stripe.objects["pi_stray"] = stray
    return Operation(aggregate_id=shop.row.id, cancel_intent="pi_stray", correlation_id="c")


def test_a_stray_is_canceled_once_and_the_payment_stands() -> None:
    runner = Runner(Shop())
    operation = a_stray(runner)
    before = runner.shop.row
    for _ in range(3):
        assert runner.runs(operation)
        runner.lease.done.clear()
    shop = runner.shop
    assert shop.stripe.objects["pi_stray"]["status"] == "canceled"
    (key,) = shop.calls.keys
    assert key.startswith(f"{shop.row.id}_cancel_stray_pi_stray_")
    assert shop.row == before
    assert outcomes(shop)["_cancel_stray_pi_stray"] == "superseded"
    assert shop.telemetry.counts["IntentMismatch"] == 0


def test_a_stray_that_was_paid_meanwhile_is_told_of() -> None:
    runner = Runner(Shop())
    operation = a_stray(runner, "succeeded")
    assert runner.runs(operation)
    assert runner.shop.telemetry.counts["PaidTwice"] == 1


def test_a_stray_that_the_bank_decides_about_is_canceled_once_stripe_allows_it() -> None:
    """Under another key: Stripe gives its refusal again under the first one."""
    runner = Runner(Shop())
    assert runner.runs(a_stray(runner, "processing"))
    shop = runner.shop
    assert outcomes(shop)["_cancel_stray_pi_stray"] == "waiting"
    declined = shop.stripe.objects["pi_stray"] | {"status": "requires_payment_method"}
    shop.stripe.objects["pi_stray"] = declined
    runner.drain()
    assert shop.stripe.objects["pi_stray"]["status"] == "canceled"
    assert outcomes(shop)["_cancel_stray_pi_stray"] == "superseded"
    assert len(set(shop.calls.keys)) == len(shop.calls.keys) == 2


def test_a_stray_that_is_never_decided_about_is_left_to_people_after_a_day() -> None:
    runner = Runner(Shop())
    assert runner.runs(a_stray(runner, "processing"))
    runner.drain()
    assert outcomes(runner.shop)["_cancel_stray_pi_stray"] == "dead"
    assert len(runner.queue.buried) == 1


def test_what_is_the_payments_own_intent_by_now_is_left_alone() -> None:
    runner = Runner(Shop())
    operation = a_stray(runner)
    set_row(runner.shop, payment_intent_id="pi_stray")
    assert runner.runs(operation)
    assert runner.shop.calls.keys == []


# --- the message ----------------------------------------------------------------------------------


def test_an_operation_waits_as_an_event_does_and_is_dead_in_the_end() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    shop.calls.faults.plan("send", *[OutcomeUnknown("away")] * 500)
    shop.calls.faults.plan("listed", *[TryAgain("away")] * 500)
    started = shop.clock.now()
    runner.drain(rounds=400)
    (buried,) = runner.queue.buried
    assert buried.attributes["reason"] == "try_again"
    assert GIVE_UP_AFTER_SECONDS <= shop.clock.now() - started < GIVE_UP_AFTER_SECONDS + 2000
    assert outcomes(shop) == {"_a1": "dead"}
    assert shop.telemetry.counts["DeadEvents"] == 1


def test_a_bug_is_tried_five_times_and_then_left_to_the_queue() -> None:
    runner = after_a_lost_answer(LOST_BEFORE)
    shop = runner.shop
    shop.calls.faults.plan("send", *[ZeroDivisionError("a bug")] * 5)
    operation = shop.operations.put_in.pop()
    for count in range(1, 6):
        assert not runner.runs(operation, receive_count=count)
    assert outcomes(shop) == {"_a1": "dead"}
    assert runner.runs(operation)
    assert outcomes(shop) == {"_a1": "applied"}


def test_an_operation_that_somebody_else_runs_waits() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    operation = runner.shop.operations.put_in.pop()
    runner.lease.held.add(f"answer#{operation.call}")
    assert runner.runs(operation)
    assert len(runner.queue.copies) == 1
    assert runner.shop.calls.faults.calls == []


def test_a_lease_that_remembers_is_not_believed_without_the_ledger() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    operation = runner.shop.operations.put_in.pop()
    runner.lease.done.add(f"answer#{operation.call}")
    assert runner.runs(operation)
    assert len(runner.queue.copies) == 1
    runner.lease.done.clear()
    runner.drain()
    runner.lease.done.add(f"answer#{operation.call}")
    assert runner.runs(operation)
    assert runner.queue.copies == []


def test_with_too_little_time_it_goes_back_as_it_came() -> None:
    runner = after_a_lost_answer(LOST_AFTER)
    operation = runner.shop.operations.put_in.pop()
    assert runner.takes(runner.delivery(operation), seconds=4) == set()
    (copy,) = runner.queue.copies
    assert (copy.delay_seconds, copy.body) == (0, operation.message())
    assert runner.shop.calls.faults.calls == []


@pytest.mark.parametrize("body", ["not json", "[]", "{}", '{"kind": "operation"}', "[" * 50_000])
def test_a_message_that_is_none_of_ours_comes_again(body: str) -> None:
    runner = Runner(Shop())
    operation = Operation(aggregate_id="pay_1", call="pay_1_a1")
    assert not runner.runs(operation, body=body, event_id=None)
    assert runner.shop.tables.rows == {}


def test_refunds_and_other_rows_are_ended_by_those_who_know_them() -> None:
    runner = Runner(Shop())
    runner.shop.take(a_request())
    refund = Operation(aggregate_id=runner.shop.row.id, call="ch_1_r1")
    other = Operation(aggregate_id="req_1", call="cus_test_user-1_a1")
    assert runner.runs(refund)
    assert runner.runs(other)
    assert [o.call for o in runner.refunds] == ["ch_1_r1"]
    assert [o.call for o in runner.others] == ["cus_test_user-1_a1"]


def test_a_message_says_what_it_is_about() -> None:
    operation = Operation(aggregate_id="pay_1", call="pay_1_capture_1")
    written = '{"kind":"operation","schema":1,"aggregate":"pay_1","call":"pay_1_capture_1"}'
    assert operation.message() == written
    assert Operation.parse(written) == operation
    stray = Operation(aggregate_id="pay_1", cancel_intent="pi_2")
    assert Operation.parse(stray.message()) == stray
    assert stray.idempotency_key == "pay_1_cancel_stray_pi_2"
    both_named = '{"kind":"operation","aggregate":"pay_1","call":"a","cancel_intent":"pi"}'
    assert Operation.parse(both_named) is None
