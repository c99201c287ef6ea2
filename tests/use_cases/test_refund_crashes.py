"""A process that dies around any call, and refunds at once: never more than the charge."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, RLock
from typing import Any

import pytest
from paidonce.domain.errors import ChangedMeanwhile, OutcomeUnknown, StateConflict
from paidonce.domain.refund import RefundStatus
from paidonce.domain.refund_request import RefundRequest
from paidonce.use_cases.refund_payment import How

from tests.use_cases.a_refund_desk import RefundDesk, a_refund_request, only_refund
from tests.use_cases.test_take_payment_crashes import Between, Crash, Dying

PORTS = ("key", "books", "payments", "gateway", "operations")
Around = Callable[[Callable[..., Any]], Callable[..., Any]]


def put_between(desk: RefundDesk, around: Around) -> RefundDesk:
    """The same world, seen through `around`, as a new process sees it."""
    seen = RefundDesk(clock=desk.clock, tables=desk.tables, telemetry=desk.telemetry)
    seen.stripe = desk.stripe
    for name in PORTS:
        setattr(seen, name, Between(getattr(desk, name), around))
    return seen


def calls_of_a_whole_run(*errors: BaseException) -> int:
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", *errors)
    counting = Dying(at=-1, after=False)
    put_between(desk, counting.around).refund(a_refund_request(amount_minor=600))
    return counting.calls


# key, read, reserve, send, note.
CALLS = calls_of_a_whole_run()
# key, read, reserve, send, defer.
CALLS_UNKNOWN = calls_of_a_whole_run(OutcomeUnknown("lost"))


def assert_refunded_once(desk: RefundDesk) -> None:
    (made,) = desk.made
    refund = only_refund(desk.row)
    assert (made["amount"], refund.amount_minor) == (600, 600)
    assert refund.stripe_refund_id == made["id"]
    assert refund.status is RefundStatus.SUCCEEDED
    assert list(desk.tables.rows) == ["answer#ch_1_r1"]
    assert set(desk.gateway.keys) == {"ch_1_r1"}
    assert {p.aggregate_id for p in desk.tables.pointers.values()} == {"pay_1"}
    assert {refund.id, made["id"]} <= set(desk.tables.pointers)
    assert [told.rpartition(".")[2] for told in desk.told] == [refund.id]


def test_a_run_asks_each_port() -> None:
    """What the crashes below go through."""
    assert (CALLS, CALLS_UNKNOWN) == (5, 5)


def dies(desk: RefundDesk, *, at: int, after: bool) -> None:
    dying = Dying(at=at, after=after)
    with pytest.raises(Crash):
        put_between(desk, dying.around).refund(a_refund_request(amount_minor=600))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_after_a_crash_at_any_call_the_repeat_ends_it(at: int, after: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    desk = RefundDesk()
    dies(desk, at=at, after=after)
    desk.refund(a_refund_request(amount_minor=600))
    assert_refunded_once(desk)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("first", range(1, CALLS + 1))
@pytest.mark.parametrize("second", range(1, CALLS + 2))
def test_after_two_crashes_the_third_request_ends_it(first: int, second: int, after: bool) -> None:  # noqa: FBT001 - same
    desk = RefundDesk()
    for at in (first, second):
        try:
            put_between(desk, Dying(at=at, after=after).around).refund(
                a_refund_request(amount_minor=600)
            )
        except Crash:
            continue
    desk.refund(a_refund_request(amount_minor=600))
    assert_refunded_once(desk)


# After an answer that got lost is the same moment as before what comes next.
AROUND_A_LOST_ANSWER = [
    (at, after)
    for at in range(1, CALLS_UNKNOWN + 1)
    for after in (False, True)
    if (at, after) != (4, True)
]


@pytest.mark.parametrize(("at", "after"), AROUND_A_LOST_ANSWER)
def test_after_a_crash_around_a_lost_answer_the_repeat_ends_it(at: int, after: bool) -> None:  # noqa: FBT001 - same
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    dies(desk, at=at, after=after)
    for _ in range(2):
        desk.refund(a_refund_request(amount_minor=600))
    assert_refunded_once(desk)


def finish_calls() -> int:
    desk = a_desk_with_a_lost_answer()
    counting = Dying(at=-1, after=False)
    put_between(desk, counting.around).finish("ch_1_r1")
    return counting.calls


def a_desk_with_a_lost_answer() -> RefundDesk:
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    desk.refund(a_refund_request(amount_minor=600))
    return desk


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, finish_calls() + 1))
def test_after_a_crash_of_run_operation_its_message_ends_it(at: int, after: bool) -> None:  # noqa: FBT001 - same
    desk = a_desk_with_a_lost_answer()
    with pytest.raises(Crash):
        put_between(desk, Dying(at=at, after=after).around).finish("ch_1_r1")
    desk.finish("ch_1_r1")
    assert_refunded_once(desk)


# --- at once --------------------------------------------------------------------------------------


def asked_at_once(desk: RefundDesk, requests: list[RefundRequest]) -> list[str]:
    """Each request in a thread; a single call is atomic, as DynamoDB's and Stripe's are.

    Answers how each ended. A caller who is told to come again does, with the same key.
    """
    lock = RLock()
    together = Barrier(len(requests))

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with lock:
                return call(*args, **named)

        return called

    def ask(request: RefundRequest) -> str:
        seen = put_between(desk, around)
        together.wait()
        for _ in range(50):
            try:
                return seen.refund(request).how.value
            except StateConflict:
                return "conflict"
            except ChangedMeanwhile:
                continue
        raise AssertionError("never through")

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(ask, requests))


@pytest.mark.parametrize("part_minor", [90, 300, 1000])
def test_parts_at_once_never_exceed_the_charge(part_minor: int) -> None:
    for _ in range(5):
        desk = RefundDesk()
        requests = [a_refund_request(f"key-{n}", amount_minor=part_minor) for n in range(16)]
        ended = asked_at_once(desk, requests)
        fits = min(16, 1000 // part_minor)
        assert sorted(ended) == ["conflict"] * (16 - fits) + ["made"] * fits
        assert sum(made["amount"] for made in desk.made) == fits * part_minor
        assert desk.row.amount_refunded_minor == fits * part_minor
        assert sorted(desk.gateway.keys) == sorted(f"ch_1_r{n + 1}" for n in range(fits))


def test_one_key_at_once_refunds_once() -> None:
    for _ in range(10):
        desk = RefundDesk()
        ended = asked_at_once(desk, [a_refund_request(amount_minor=600)] * 8)
        assert set(ended) <= {How.MADE.value, How.REPEATED.value}
        assert_refunded_once(desk)


def test_everything_at_once_with_many_keys_is_refunded_once() -> None:
    """Each asks for all that is left: one gets it."""
    desk = RefundDesk()
    ended = asked_at_once(desk, [a_refund_request(f"key-{n}") for n in range(8)])
    assert sorted(ended) == ["conflict"] * 7 + ["made"]
    assert [made["amount"] for made in desk.made] == [1000]


def test_a_storm_in_which_every_second_answer_is_lost_ends_with_each_part_once() -> None:
    desk = RefundDesk()
    desk.gateway.faults.plan("send.after", *[OutcomeUnknown("lost")] * 5)
    requests = [a_refund_request(f"key-{n % 10}", amount_minor=100) for n in range(20)]
    ended = asked_at_once(desk, requests)
    assert "conflict" not in ended
    for operation in desk.operations.put_in:
        assert operation.call is not None
        desk.finish(operation.call)
    assert [made["amount"] for made in desk.made] == [100] * 10
    assert desk.row.amount_refunded_minor == 1000
    assert {refund.status for refund in desk.row.refunds} == {RefundStatus.SUCCEEDED}
