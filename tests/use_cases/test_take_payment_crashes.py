"""A process that dies around any call, and clicks that come at once: one intent, one row."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, RLock
from typing import Any

import pytest
from paidonce.domain.payment import PaymentStatus
from paidonce.use_cases.take_payment import How, Taken

from tests.use_cases.a_shop import Shop, a_request

PORTS = ("key", "counter", "payments", "gateway", "books")


class Crash(BaseException):
    """The process is gone: nothing in the product may catch this."""


class Dying:
    """Lets calls through until the one at which the process dies."""

    def __init__(self, *, at: int, after: bool) -> None:
        self.left = at
        self.after = after
        self.calls = 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, and maybe its end."""

        def called(*args: Any, **named: Any) -> Any:
            self.calls += 1
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
            answer = call(*args, **named)
            if self.left == 0:
                raise Crash
            return answer

        return called


class Between:
    """Stands before a fake and hands its methods to `around`."""

    def __init__(
        self, fake: Any, around: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self._fake = fake
        self._around = around

    def __getattr__(self, name: str) -> Any:
        """A method of the fake, wrapped."""
        found = getattr(self._fake, name)
        return self._around(found) if callable(found) else found


def put_between(shop: Shop, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Shop:
    """The same world, seen through `around`, as a new process sees it."""
    seen = Shop(clock=shop.clock, tables=shop.tables, telemetry=shop.telemetry)
    for name in PORTS:
        setattr(seen, name, Between(getattr(shop, name), around))
    return seen


def calls_of_a_whole_run() -> int:
    counting = Dying(at=-1, after=False)
    put_between(Shop(), counting.around).take(a_request())
    return counting.calls


CALLS = calls_of_a_whole_run()


def assert_one_of_each(shop: Shop) -> None:
    (intent,) = shop.intents
    assert shop.row.payment_intent_id == intent["id"]
    assert shop.row.status is PaymentStatus.PENDING
    assert list(shop.tables.rows) == [f"answer#{shop.row.id}_a1"]
    assert {p.aggregate_id for p in shop.tables.pointers.values()} == {shop.row.id}
    assert shop.tables.claims == {"order#user-1#order-1": shop.row.id}


def test_a_run_asks_each_port() -> None:
    """Rate, key, record, try, Stripe, note: what the crashes below go through."""
    assert CALLS == 6


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
@pytest.mark.parametrize("key", ["key-1", "key-2"], ids=["same key", "another key"])
def test_after_a_crash_at_any_call_the_next_request_ends_it(at: int, after: bool, key: str) -> None:  # noqa: FBT001 - pytest gives it by name
    shop = Shop()
    dying = Dying(at=at, after=after)
    with pytest.raises(Crash):
        put_between(shop, dying.around).take(a_request("key-1"))
    taken = put_between(shop, Dying(at=-1, after=False).around).take(a_request(key))
    assert taken.client_secret is not None
    assert_one_of_each(shop)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("first", range(1, CALLS + 1))
@pytest.mark.parametrize("second", range(1, CALLS + 2))
def test_after_two_crashes_the_third_request_ends_it(first: int, second: int, after: bool) -> None:  # noqa: FBT001 - same
    shop = Shop()
    for at in (first, second):
        try:
            put_between(shop, Dying(at=at, after=after).around).take(a_request())
        except Crash:
            continue
    assert shop.take(a_request()).client_secret is not None
    assert_one_of_each(shop)


def clicked_at_once(shop: Shop, keys: list[str]) -> list[Taken]:
    """Each key's request in a thread; a single call is atomic, as DynamoDB's and Stripe's are."""
    lock = RLock()
    together = Barrier(len(keys))

    def around(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with lock:
                return call(*args, **named)

        return called

    def click(key: str) -> Taken:
        seen = put_between(shop, around)
        together.wait()
        return seen.take(a_request(key))

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(click, keys))


def test_a_double_click_with_one_key_makes_one_intent() -> None:
    for _ in range(10):
        shop = Shop()
        taken = clicked_at_once(shop, ["key-1"] * 4)
        assert {t.how for t in taken} <= {How.MADE, How.REPEATED}
        assert len({(t.payment.id, t.client_secret) for t in taken}) == 1
        assert_one_of_each(shop)


def test_a_double_click_with_several_keys_makes_one_intent() -> None:
    for _ in range(10):
        shop = Shop()
        taken = clicked_at_once(shop, ["key-1", "key-2", "key-3", "key-4"])
        ended = sorted(t.how.value for t in taken)
        assert ended == ["made", "same_order", "same_order", "same_order"]
        assert len({(t.payment.id, t.client_secret) for t in taken}) == 1
        assert_one_of_each(shop)
