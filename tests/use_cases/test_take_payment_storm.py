"""200 threads ask for 50 orders while Stripe misbehaves: an intent and a row for each order."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from threading import Barrier, RLock
from typing import Any

import pytest
from paidonce.domain.errors import FailureStored, OutcomeUnknown
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import Answer
from paidonce.use_cases.take_payment import How, Taken

from tests.fakes_stripe import FakeStripe
from tests.use_cases.a_shop import Shop, a_request
from tests.use_cases.operations import Runner
from tests.use_cases.test_take_payment_crashes import put_between

ORDERS = 50
COPIES = 4  # with one key, and as many with a key each
THREADS = 200
FIRED_EACH = 5
FAULTS = ("429", "500", "503", "lost_before", "lost_after", "slow")
SLOW_SECONDS = 0.02
# Nobody's deadline passes here: all threads share one clock.
PATIENT_SECONDS = 36_000


class Weather:
    """What goes wrong with the next creations, and which keys have a stored failure."""

    def __init__(self, stripe: FakeStripe, *, seed: int) -> None:
        self.stripe = stripe
        kinds = [*FAULTS * FIRED_EACH, *[""] * (ORDERS - len(FAULTS) * FIRED_EACH)]
        Random(seed).shuffle(kinds)
        self.next: deque[str] = deque(kinds)
        self.fired: Counter[str] = Counter()
        self.stored: set[str] = set()
        self.lock = RLock()

    @contextmanager
    def around(self, key: str) -> Iterator[None]:
        """One creation under this key; all that a thread does in here is done at once."""
        with self.lock:
            if key in self.stored:
                raise FailureStored("stored before")
            kind = self._next_for(key)
            self.fired[kind] += 1
            if kind == "500":
                self.stored.add(key)
                raise FailureStored("stored")
            if kind in ("429", "503", "lost_before"):
                raise OutcomeUnknown(kind)
            yield
            if kind == "lost_after":
                raise OutcomeUnknown(kind)
        if kind == "slow":
            time.sleep(SLOW_SECONDS)

    def _next_for(self, key: str) -> str:
        """What goes wrong now; a key that has made something is not given a failure to store."""
        kind = self.next.popleft() if self.next else ""
        if kind == "500" and key in self.stripe.made:
            self.next.append(kind)
            return ""
        return kind


class Stormy:
    """Either gateway's fake, seen through the weather."""

    def __init__(self, fake: Any, weather: Weather) -> None:
        self._fake = fake
        self._weather = weather

    def create_intent(self, params: Any, *, idempotency_key: str, time_left: TimeLeft) -> Answer:
        """See `PaymentGateway.create_intent`."""
        with self._weather.around(idempotency_key):
            answer: Answer = self._fake.create_intent(
                params, idempotency_key=idempotency_key, time_left=time_left
            )
        return answer

    def send(self, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """See `StripeGateway.send`."""
        with self._weather.around(call.idempotency_key):
            answer: Answer = self._fake.send(call, time_left=time_left)
        return answer

    def __getattr__(self, name: str) -> Any:
        """What only reads has fine weather."""
        return getattr(self._fake, name)


class Storm:
    """One world, and every thread's own process in it."""

    def __init__(self, *, seed: int) -> None:
        self.shop = Shop(per_minute=100_000)
        self.weather = Weather(self.shop.stripe, seed=seed)
        # Threads share the clock: it hardly moves.
        self.shop.stripe.call_seconds = 0.001
        self.shop.gateway = Stormy(self.shop.gateway, self.weather)
        self.shop.calls = Stormy(self.shop.calls, self.weather)

    def asks(self, click: tuple[str, str]) -> Taken:
        """One request by a process of its own; a single call of a port is atomic, as in AWS."""
        order_id, key = click
        seen = put_between(self.shop, self._atomic)
        seen.per_minute, seen.operations = self.shop.per_minute, self.shop.operations
        return seen.take(a_request(key, order_id=order_id), seconds=PATIENT_SECONDS)

    def _atomic(self, call: Callable[..., Any]) -> Callable[..., Any]:
        if call.__name__ == "create_intent":
            return call  # takes the lock itself, for as long as Stripe works

        def called(*args: Any, **named: Any) -> Any:
            with self.weather.lock:
                return call(*args, **named)

        return called


def clicks(*, seed: int) -> list[tuple[str, str]]:
    """Each order four times with one key and four times with a key each, in any order."""
    made = [
        (f"order-{n}", key)
        for n in range(ORDERS)
        for key in [f"{n}-same"] * COPIES + [f"{n}-{copy}" for copy in range(COPIES)]
    ]
    Random(seed).shuffle(made)
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_storm_of_threads_ends_with_one_intent_and_one_row_for_each_order(seed: int) -> None:
    storm = Storm(seed=seed)
    asked = clicks(seed=seed)
    together = Barrier(THREADS)

    def asks(click: tuple[str, str]) -> Taken:
        # 400 clicks are two rounds of all threads.
        together.wait()
        return storm.asks(click)

    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(asks, asked))
    assert all(storm.weather.fired[kind] == FIRED_EACH for kind in FAULTS), storm.weather.fired
    assert all((t.client_secret is None) == (t.how is How.NOT_KNOWN_YET) for t in told)
    Runner(storm.shop).drain(rounds=5000)

    again = [storm.asks(click) for click in asked]
    assert How.NOT_KNOWN_YET not in {taken.how for taken in again}
    assert all(taken.client_secret is not None for taken in again)
    assert_one_of_each(storm.shop)
    # A key with a stored failure was given up, once, after nothing was found under it.
    given_up = sum(row.creation.attempt - 1 for row in storm.shop.tables.payments.values())
    assert given_up == storm.weather.fired["500"]


def assert_one_of_each(shop: Shop) -> None:
    """Stripe and the table agree on one payment of every order."""
    intents = {intent["id"]: intent["metadata"]["paidonce_order"] for intent in shop.intents}
    assert sorted(intents.values()) == sorted(f"order-{n}" for n in range(ORDERS))
    rows = shop.tables.payments.values()
    assert {row.payment_intent_id: row.order_id for row in rows} == intents
    assert len(rows) == ORDERS
    assert {row.status for row in rows} == {PaymentStatus.PENDING}
