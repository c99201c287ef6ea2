"""run_operation dies around any call behind a customer or subscription: the message ends it."""

import pytest
from paidonce.domain.errors import FailureStored, OutcomeUnknown

from tests.use_cases.a_shop import Shop
from tests.use_cases.test_change_crashes import Dies
from tests.use_cases.test_finish_billing import (
    NAMES,
    a_runner,
    assert_ended_once,
    assert_known_to_the_caller,
    without_an_answer,
)
from tests.use_cases.test_make_customer import put_between as before_the_ports
from tests.use_cases.test_take_payment_crashes import Between, Crash


def seen_through(shop: Shop, dying: Dies) -> Shop:
    """The same world as a new process sees it."""
    seen = before_the_ports(shop, dying.around)
    seen.operations = Between(shop.operations, dying.around)
    return seen


def calls_of(name: str, fault: str, error: type[OutcomeUnknown]) -> int:
    runner, counting = without_an_answer(name, fault, error("lost")), Dies(at=-1, after=False)
    (operation,) = runner.shop.operations.put_in
    runner.shop.clock.advance(15 * 60)
    assert a_runner(seen_through(runner.shop, counting)).runs(operation)
    return counting.begun


POINTS = [
    pytest.param(name, fault, error, at, after, id=f"{name} {fault} {error.__name__} {at} {after}")
    for name in NAMES
    for fault in ("send", "send.after")
    for error in (OutcomeUnknown, FailureStored)
    for at in range(1, calls_of(name, fault, error) + 1)
    for after in (False, True)
]


@pytest.mark.parametrize(("name", "fault", "error", "at", "after"), POINTS)
def test_after_a_crash_at_any_call_the_message_ends_it(
    name: str,
    fault: str,
    error: type[OutcomeUnknown],
    at: int,
    after: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    runner = without_an_answer(name, fault, error("lost"))
    shop = runner.shop
    (operation,) = shop.operations.put_in
    shop.operations.put_in.clear()
    shop.clock.advance(15 * 60)
    with pytest.raises(Crash):
        a_runner(seen_through(shop, Dies(at=at, after=after))).runs(operation)
    # The queue brings the message again, whatever was queued before the crash.
    assert runner.runs(operation)
    runner.drain()
    anew = (fault, error) == ("send", FailureStored) and name != "end"
    assert_ended_once(shop, name, rows=2 if anew else 1)
    assert_known_to_the_caller(shop, name)
