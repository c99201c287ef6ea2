"""Counting with a limit, over the fake, moto and the local cloud."""

import pytest
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.use_cases.ports import Counter

from tests.adapters.places import Place
from tests.fakes import FakeClock, FakeCounter


@pytest.fixture
def counter(place: Place | None) -> Counter:
    if place is None:
        return FakeCounter()
    return DynamoDbCounter(
        place.client("dynamodb"), payments_table=place.table("id"), clock=FakeClock()
    )


def test_as_many_are_taken_as_the_limit_says(counter: Counter) -> None:
    taken = [counter.take("rate#ann#1", limit=3, lasts_seconds=60) for _ in range(5)]
    assert taken == [True, True, True, False, False]


def test_each_key_counts_for_itself(counter: Counter) -> None:
    assert counter.take("rate#ann#1", limit=1, lasts_seconds=60)
    assert counter.take("rate#ann#2", limit=1, lasts_seconds=60)
    assert counter.take("rate#bob#1", limit=1, lasts_seconds=60)
    assert not counter.take("rate#ann#1", limit=1, lasts_seconds=60)


def test_nothing_is_taken_under_a_limit_of_none(counter: Counter) -> None:
    assert not counter.take("rate#ann#1", limit=0, lasts_seconds=60)


def test_a_refused_one_is_not_counted(counter: Counter) -> None:
    assert counter.take("k", limit=1, lasts_seconds=60)
    assert not counter.take("k", limit=1, lasts_seconds=60)
    assert counter.take("k", limit=2, lasts_seconds=60)


def test_a_count_expires_a_while_after_its_first(moto: Place) -> None:
    clock, table = FakeClock(1000), moto.table("id")
    counter = DynamoDbCounter(moto.client("dynamodb"), payments_table=table, clock=clock)
    counter.take("k", limit=5, lasts_seconds=60)
    clock.advance(30)
    counter.take("k", limit=5, lasts_seconds=60)
    item = moto.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "k"}})["Item"]
    assert item["expires_at"] == {"N": "1060"}
    assert item["schema"] == {"N": "1"}


# --- Stripe's rate limit, shared ------------------------------------------------------------------


def budget(counter: FakeCounter, clock: FakeClock, per_second: int = 20) -> Budget:
    return Budget(counter, clock, use="worker", per_second=per_second)


@pytest.mark.parametrize("per_second", [1, 3, 5, 20])
def test_a_second_never_gives_more_than_its_share(per_second: int) -> None:
    counter, clock = FakeCounter(), FakeClock()
    taken = sum(budget(counter, clock, per_second).take() for _ in range(400))
    assert taken == per_second == sum(counter.counts.values())


def test_a_share_is_spread_over_four_items() -> None:
    counter, clock = FakeCounter(), FakeClock(1_800_000_000.9)
    limited = budget(counter, clock)
    while limited.take() or len(counter.counts) < 4:
        pass
    assert sorted(counter.counts) == [f"budget#worker#1800000000#{shard}" for shard in range(4)]


def test_two_shards_are_asked_before_giving_up() -> None:
    """With three of four used up, a call finds the last one in half of all cases, not a quarter."""
    counter, clock = FakeCounter(), FakeClock()
    for shard in range(3):
        counter.counts[f"budget#worker#{int(clock.now())}#{shard}"] = 5
    budget(counter, clock).take()
    assert len(counter.faults.calls) <= 2
    counter.counts[f"budget#worker#{int(clock.now())}#3"] = 5
    counter.faults.calls.clear()
    assert not budget(counter, clock).take()
    assert len(counter.faults.calls) == 2


def test_the_next_second_starts_anew() -> None:
    counter, clock = FakeCounter(), FakeClock()
    limited = budget(counter, clock, 1)
    assert limited.take()
    assert not limited.take()
    clock.advance(1)
    assert limited.take()


def test_a_budget_of_nothing_gives_nothing() -> None:
    assert not budget(FakeCounter(), FakeClock(), 0).take()
