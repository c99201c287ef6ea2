"""A key that Stripe refuses: what is tried, when nothing is asked any more, and how that ends."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from paidonce.adapters.breaker import Breaker
from paidonce.domain.errors import KeyRefused, NotConfigured, OutcomeUnknown, TryAgain

from tests.adapters.canned import Canned
from tests.adapters.places import Place
from tests.adapters.stripe_bench import (
    GOOD,
    INTENT,
    KEYS,
    SECRET,
    Bench,
    RotatedKey,
    before_canned_stripe,
    refusal,
)

PROBE_SECONDS = 30
FIRST, SECOND = KEYS
UNKNOWN = refusal(401)


@dataclass
class Stage:
    """Containers of one stage: a table, the key's secret, Stripe."""

    bench: Bench
    client: Any
    table: str

    def container(self, *keys: str, before: str | None = None) -> Bench:
        """One container, which has read `keys[0]` and would find `keys[1]` when it reads anew."""
        key = RotatedKey(*(keys or (FIRST,)), before=before)
        breaker = Breaker(
            self.client,
            payments_table=self.table,
            key=key,
            clock=self.bench.clock,
            telemetry=self.bench.telemetry,
            probe_seconds=PROBE_SECONDS,
        )
        return replace(self.bench, key=key, breaker=breaker)

    @property
    def item(self) -> dict[str, Any]:
        """The breaker's item."""
        found = self.client.get_item(
            TableName=self.table, Key={"id": {"S": f"breaker#{SECRET}"}}, ConsistentRead=True
        )
        item: dict[str, Any] = found.get("Item", {})
        return item

    @property
    def asked(self) -> list[str]:
        """Paths that Stripe was asked for."""
        return [asked.path for asked in self.bench.server.asked]

    @property
    def counts(self) -> dict[str, int]:
        """What was counted of the breaker."""
        counts = self.bench.telemetry.counts
        return {n: counts[n] for n in ("BreakerOpen", "BreakerClosed", "StripeKeyRefused")}

    def opened(self) -> Bench:
        """A container whose key was refused."""
        first = self.container()
        with pytest.raises(KeyRefused):
            first.creates(UNKNOWN)
        return first

    def is_blocked(self, bench: Bench) -> bool:
        """Is nothing asked of Stripe for a new payment?"""
        try:
            bench.calls.check()
        except KeyRefused as error:
            return error.retry_after_seconds == PROBE_SECONDS
        return False


@pytest.fixture
def stage(moto: Place) -> Iterator[Stage]:
    with before_canned_stripe() as bench:
        yield Stage(bench, moto.client("dynamodb"), moto.table("id"))


def used(stage: Stage) -> list[str]:
    return [a.headers["authorization"].removeprefix("Bearer ") for a in stage.bench.server.asked]


def test_it_opens_within_one_request_after_each_version_was_tried(stage: Stage) -> None:
    old, cached, current = "rk_" + "test_before", FIRST, SECOND
    with pytest.raises(KeyRefused) as raised:
        stage.container(cached, current, before=old).creates(UNKNOWN)
    assert raised.value.http_status == 401
    assert used(stage) == [cached, current, old]
    keys = [asked.headers["idempotency-key"] for asked in stage.bench.server.asked]
    assert set(keys) == {"pay_1_a1"}
    assert stage.item["is_open"] == {"BOOL": True}
    assert stage.item["version_id"] == {"S": f"version of {current[-6:]}"}
    assert current not in str(stage.item)
    assert stage.counts == {"BreakerOpen": 1, "BreakerClosed": 0, "StripeKeyRefused": 1}


def test_a_key_is_not_tried_twice(stage: Stage) -> None:
    with pytest.raises(KeyRefused):
        stage.container(FIRST, before=FIRST).creates(UNKNOWN)
    assert used(stage) == [FIRST]


def test_a_new_key_or_the_one_before_goes_on_without_opening(stage: Stage) -> None:
    assert stage.container(FIRST, SECOND).creates(UNKNOWN, GOOD).seen.object == INTENT
    assert stage.item == {}
    assert stage.counts["StripeKeyRefused"] == 0
    stage.bench.server.asked.clear()
    assert stage.container(FIRST, before=SECOND).creates(UNKNOWN, GOOD).seen.object == INTENT
    assert used(stage) == [FIRST, SECOND]
    assert stage.item == {}
    assert stage.counts["StripeKeyRefused"] == 1, "the current key is wrong, somebody must know"


def test_a_key_before_that_works_is_used_for_a_minute(stage: Stage) -> None:
    bench = stage.container(FIRST, before=SECOND)
    bench.server.answers = [UNKNOWN, GOOD]
    gateway = bench.gateway()
    for _ in range(3):
        gateway.intent("pi_1", time_left=bench.clock.time_left(20))
    assert used(stage) == [FIRST, SECOND, SECOND, SECOND]
    assert bench.key.refreshes == 1
    bench.clock.advance(61)
    gateway.intent("pi_1", time_left=bench.clock.time_left(20))
    assert used(stage)[-1] == FIRST


def test_while_it_is_open_nothing_is_asked_by_anybody(stage: Stage) -> None:
    first = stage.opened()
    asked = len(stage.asked)
    for bench in (first, stage.container()):
        assert stage.is_blocked(bench)
        with pytest.raises(KeyRefused):
            bench.creates(GOOD)
        with pytest.raises(KeyRefused):
            bench.gets(GOOD)
    assert len(stage.asked) == asked
    assert stage.counts["BreakerOpen"] == 7


def test_a_worker_tries_again_later(stage: Stage) -> None:
    stage.opened()
    with pytest.raises(TryAgain) as raised:
        stage.container().reader().retrieve("payment_intent", "pi_1")
    assert raised.value.code == "payments_blocked"


def test_it_closes_when_another_version_is_current(stage: Stage) -> None:
    """At once in a container that has the new one, in seconds in one that has to read it."""
    first = stage.opened()
    assert stage.is_blocked(first)
    first.key.keys = [FIRST, SECOND]
    assert stage.is_blocked(first), "it has read the secret just now"
    first.clock.advance(5)
    assert not stage.is_blocked(first)
    assert stage.item["is_open"] == {"BOOL": False}
    assert stage.counts["BreakerClosed"] == 1
    assert first.creates(GOOD).seen.object == INTENT
    assert used(stage)[-1] == SECOND


def test_an_old_version_in_a_container_closes_nothing(stage: Stage) -> None:
    """It has cached the key before the one that failed."""
    with pytest.raises(KeyRefused):
        stage.container(SECOND).creates(UNKNOWN)
    assert stage.is_blocked(stage.container(FIRST, SECOND))
    assert stage.item["is_open"] == {"BOOL": True}


def test_a_probe_closes_it_and_is_made_by_one_caller_in_its_time(stage: Stage) -> None:
    first = stage.opened()
    containers = [stage.container() for _ in range(4)]
    first.server.answers = [UNKNOWN]
    first.clock.advance(PROBE_SECONDS)
    stage.bench.server.asked.clear()
    assert all(stage.is_blocked(bench) for bench in containers)
    assert stage.asked == ["/v1/balance"]
    first.clock.advance(PROBE_SECONDS - 1)
    assert all(stage.is_blocked(bench) for bench in containers)
    assert len(stage.asked) == 1
    first.clock.advance(1)
    first.server.answers = [GOOD]
    assert not any(stage.is_blocked(bench) for bench in containers)
    assert stage.asked == ["/v1/balance"] * 2
    assert stage.counts["BreakerClosed"] == 1


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        (GOOD, True),
        (refusal(403, "more_permissions_required"), True),
        (refusal(429), True),
        (UNKNOWN, False),
        (refusal(500), False),
        (Canned(closes=True), False),
    ],
)
def test_any_answer_to_a_known_key_closes_it(stage: Stage, answer: Canned, *, closes: bool) -> None:
    first = stage.opened()
    first.clock.advance(PROBE_SECONDS)
    first.server.answers = [answer]
    assert stage.is_blocked(first) is not closes
    assert first.telemetry.counts["StripePermissionDenied"] == 0
    probe = first.telemetry.facts[-2 if closes else -1]
    assert (probe[0], probe[1]["path"]) == ("stripe call", "/v1/balance")


def test_a_missing_permission_never_opens_it(stage: Stage) -> None:
    with pytest.raises(KeyRefused) as raised:
        stage.container().creates(refusal(403, "more_permissions_required"))
    assert (raised.value.http_status, raised.value.retry_after_seconds) == (403, None)
    assert stage.item == {}
    assert stage.counts["BreakerOpen"] == 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_no_other_failure_opens_it(stage: Stage, status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        stage.container().creates(refusal(status), seconds=3)
    assert stage.item == {}


def test_the_same_failure_opens_it_once(stage: Stage) -> None:
    """Requests that were under way when it opened are refused too, and change nothing."""
    stage.opened()
    opened_at = stage.item["opened_at"]
    stage.bench.clock.advance(3)
    late = stage.container()
    late.breaker.open()  # type: ignore[union-attr]  # a container of this stage has one
    assert stage.item["opened_at"] == opened_at
    facts = [message for message, _ in stage.bench.telemetry.facts]
    assert facts.count("breaker opened") == 1


def test_it_opens_again_for_a_new_key_that_fails(stage: Stage) -> None:
    first = stage.opened()
    first.key.keys = [SECOND]
    first.clock.advance(5)
    with pytest.raises(KeyRefused):
        first.creates(UNKNOWN)
    assert stage.item["version_id"] == {"S": f"version of {SECOND[-6:]}"}
    assert stage.is_blocked(first)


def test_a_closed_breaker_is_read_once_a_second(stage: Stage) -> None:
    bench = stage.container()
    reads: list[str] = []

    def told(model: Any, **_: Any) -> None:
        reads.append(model.name)

    calls, events = bench.calls, stage.client.meta.events
    events.register("before-call.dynamodb.*", told)
    for _ in range(3):
        calls.check()
    bench.clock.advance(1)
    calls.check()
    events.unregister("before-call.dynamodb.*", told)
    assert reads == ["GetItem", "GetItem"]


def test_a_placeholder_is_not_configured_rather_than_blocked(stage: Stage) -> None:
    first = stage.opened()
    first.key.keys.clear()
    with pytest.raises(NotConfigured):
        first.calls.check()
