"""A process that dies around any call of a capture, a cancel or an operation.

Whoever comes next (the caller's retry, the webhook, run_operation) ends it: one intent, one charge,
one record.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from paidonce.domain.errors import FailureStored, OutcomeUnknown, StateConflict
from paidonce.domain.operation import Operation
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.payment_calls import is_complete
from paidonce.domain.stripe_call import CallState

from tests.examples import an_event
from tests.use_cases.a_shop import Shop, a_request, set_row
from tests.use_cases.operations import ABSENT_AFTER_SECONDS, Runner, cancels, captures
from tests.use_cases.test_capture_and_cancel import an_authorized_shop
from tests.use_cases.test_take_payment_crashes import Between, Crash
from tests.use_cases.worker import Worker

PORTS = ("key", "counter", "payments", "gateway", "calls", "books", "operations")
EVENT_OF = {
    "requires_payment_method": "payment_intent.created",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "succeeded": "payment_intent.succeeded",
    "canceled": "payment_intent.canceled",
}


def seen_through(shop: Shop, around: Callable[..., Any]) -> Runner:
    """The same world as a new process sees it: its API and its run_operation."""
    seen = Shop(clock=shop.clock, tables=shop.tables, telemetry=shop.telemetry)
    seen.stripe = shop.stripe
    for name in PORTS:
        setattr(seen, name, Between(getattr(shop, name), around))
    runner = Runner(seen)
    runner.lease = Between(runner.lease, around)
    return runner


def whole(shop: Shop) -> Runner:
    """A process that lives."""
    return seen_through(shop, lambda call: call)


def webhook(shop: Shop) -> None:
    """Stripe tells of each intent as it is now, twice, to the worker."""
    worker = Worker()
    vars(worker.tables).update(vars(shop.tables))
    worker.clock.time = shop.clock.now()
    worker.stripe.objects = shop.stripe.objects
    for number, intent in enumerate(shop.intents):
        event = an_event(
            EVENT_OF[intent["status"]],
            intent,
            event_id=f"evt_{number}_{intent['status']}",
            created=int(shop.clock.now()) + 1,
        )
        for _ in range(2):
            assert worker.takes(worker.delivery(event)) == set()


# --- what is done, and how it may be gone on with -------------------------------------------------


def without_an_answer(name: str) -> Shop:
    shop = Shop()
    shop.gateway.faults.plan(name, OutcomeUnknown("lost"))
    shop.take(a_request())
    return shop


def with_a_spent_key(name: str) -> Shop:
    shop = without_an_answer(name)
    set_row(shop, creation=replace(shop.row.creation, is_spent=True))
    shop.clock.advance(ABSENT_AFTER_SECONDS + 60)
    return shop


def with_an_open_call(change: Callable[..., Any], error: Exception, name: str = "send") -> Shop:
    shop = an_authorized_shop()
    shop.calls.faults.plan(name, error)
    change(shop)
    shop.clock.advance(ABSENT_AFTER_SECONDS + 60)
    return shop


def with_a_plan(name: str, error: Exception) -> Shop:
    shop = an_authorized_shop()
    shop.calls.faults.plan(name, error)
    return shop


def canceled_at_stripe() -> Shop:
    shop = an_authorized_shop()
    shop.intents[0]["status"] = "canceled"
    return shop


def captures_in_vain(shop: Shop) -> None:
    """The caller hears 409."""
    with pytest.raises(StateConflict):
        captures(shop)


def wished_away(name: str) -> Shop:
    shop = without_an_answer(name)
    cancels(shop)
    return shop


def first_operation(runner: Runner) -> Operation:
    """The message that is in the queue, or that a crash kept out of it."""
    row = runner.shop.row
    opened = [c.idempotency_key for c in row.calls if c.state is CallState.OPEN]
    return Operation(aggregate_id=row.id, call=[*opened, row.creation.idempotency_key][0])


def operated(runner: Runner) -> None:
    assert runner.runs(first_operation(runner))


def operation_of(key: str) -> Callable[[Runner], None]:
    def run(runner: Runner) -> None:
        assert runner.runs(
            Operation(aggregate_id=runner.shop.row.id, call=runner.shop.row.id + key)
        )

    return run


@dataclass(frozen=True)
class Story:
    """`begin` makes the world, `act` is what dies; `ends_as` is Stripe's status in the end."""

    begin: Callable[[], Shop]
    act: Callable[[Runner], object]
    calls: str
    ends_as: str
    attempts: int = 1

    @property
    def is_asked(self) -> bool:
        """A caller's request, as against a message of the queue."""
        return not self.calls.startswith("hold")


SEND = "save send commit"
STORIES = {
    "capture": Story(
        an_authorized_shop,
        lambda runner: captures(runner.shop),
        f"read get save {SEND}",
        "succeeded",
    ),
    "cancel": Story(
        an_authorized_shop,
        lambda runner: cancels(runner.shop),
        f"read get save {SEND}",
        "canceled",
    ),
    "a capture that is not answered": Story(
        lambda: with_a_plan("send.after", OutcomeUnknown("lost")),
        lambda runner: captures(runner.shop),
        "read get save save send put",
        "succeeded",
    ),
    "a capture that is refused": Story(
        canceled_at_stripe,
        lambda runner: captures_in_vain(runner.shop),
        "read get save save send get commit",
        "canceled",
    ),
    "a cancel without an intent": Story(
        lambda: without_an_answer("create_intent.after"),
        lambda runner: cancels(runner.shop),
        "read get save put",
        "canceled",
    ),
    "run a create": Story(
        lambda: without_an_answer("create_intent"),
        operation_of("_a1"),
        "hold get note_try send commit read",
        "requires_payment_method",
    ),
    "run a create that is found": Story(
        lambda: with_a_spent_key("create_intent.after"),
        operation_of("_a1"),
        "hold get listed get commit read",
        "requires_payment_method",
    ),
    "run a create that was never made": Story(
        lambda: with_a_spent_key("create_intent"),
        operation_of("_a1"),
        "hold get listed commit put read",
        "requires_payment_method",
        attempts=2,
    ),
    "run a cancel without an intent": Story(
        lambda: wished_away("create_intent.after"),
        operation_of("_cancel_1"),
        "hold get note_try send commit save send commit read",
        "canceled",
    ),
    "run a capture": Story(
        lambda: with_an_open_call(captures, OutcomeUnknown("lost")),
        operation_of("_capture_1"),
        "hold get save send commit read",
        "succeeded",
    ),
    "run a capture whose key is spent": Story(
        lambda: with_an_open_call(captures, FailureStored("500")),
        operation_of("_capture_1"),
        "hold get get commit put read",
        "succeeded",
    ),
    "run a cancel that was done": Story(
        lambda: with_an_open_call(cancels, FailureStored("500"), "send.after"),
        operation_of("_cancel_1"),
        "hold get get commit read",
        "canceled",
    ),
}


class Dies:
    """The process is gone before or after one call, whether that ends well or not.

    A call may hold others: each has its number from when it began.
    """

    def __init__(self, *, at: int, after: bool) -> None:
        self.at = at
        self.after = after
        self.begun = 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, and maybe the end."""

        def called(*args: Any, **named: Any) -> Any:
            self.begun += 1
            is_last = self.begun == self.at
            if is_last and not self.after:
                raise Crash
            try:
                return call(*args, **named)
            finally:
                if is_last:
                    raise Crash

        return called


class Recorder:
    """Names the calls of a run, by which a new one is noticed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, named when it is made."""

        def called(*args: Any, **named: Any) -> Any:
            self.names.append(call.__name__)
            return call(*args, **named)

        return called


@pytest.mark.parametrize("name", STORIES)
def test_a_run_asks_these_ports_and_no_others(name: str) -> None:
    """What the crashes below go through: a call that is not listed would not have been tried."""
    story, recorder = STORIES[name], Recorder()
    story.act(seen_through(story.begin(), recorder.around))
    assert " ".join(recorder.names) == story.calls


POINTS = [
    pytest.param(name, at, after, id=f"{name}: {'after' if after else 'before'} {at} {call}")
    for name, story in STORIES.items()
    for at, call in enumerate(story.calls.split(), start=1)
    for after in (False, True)
]


def by_a_retry(shop: Shop, story: Story) -> None:
    story.act(whole(shop))


def by_the_webhook(shop: Shop, story: Story) -> None:
    webhook(shop)
    story.act(whole(shop))


def by_run_operation(shop: Shop, _: Story) -> None:
    operated(whole(shop))


@pytest.mark.parametrize("restart", [by_a_retry, by_the_webhook, by_run_operation])
@pytest.mark.parametrize(("name", "at", "after"), POINTS)
def test_after_a_crash_anywhere_whoever_comes_next_ends_it(
    name: str,
    at: int,
    after: bool,  # noqa: FBT001 - pytest gives it by name
    restart: Callable[[Shop, Story], None],
) -> None:
    story = STORIES[name]
    shop = story.begin()
    with pytest.raises(Crash):
        story.act(seen_through(shop, Dies(at=at, after=after).around))
    restart(shop, story)
    if story.is_asked and not shop.row.calls:
        # Nothing was recorded before the crash, so there was nothing to go on with: ask again.
        story.act(whole(shop))
    drained(shop)
    webhook(shop)
    assert_one_of_each(shop, story)


def drained(shop: Shop) -> None:
    """Whatever is queued, or would be found open, is run to its end."""
    runner = whole(shop)
    for _ in range(10):
        row = shop.row
        is_open = any(c.state is CallState.OPEN for c in row.calls)
        pending = shop.operations.put_in
        if not pending and not is_open and is_complete(row):
            return
        runner.runs(pending.pop(0) if pending else first_operation(runner))
        shop.clock.advance(60)
    raise AssertionError("it does not end")


def assert_one_of_each(shop: Shop, story: Story) -> None:
    asked_to_be_canceled = any(c.kind == "cancel" for c in shop.row.calls)
    (intent,) = shop.intents
    row = shop.row
    expected = story.ends_as
    assert intent["status"] == expected
    assert row.payment_intent_id == intent["id"]
    assert (
        row.status
        is {
            "requires_payment_method": PaymentStatus.PENDING,
            "succeeded": PaymentStatus.PAID,
            "canceled": PaymentStatus.CANCELED,
        }[expected]
    )
    assert row.creation.attempt == story.attempts
    assert not [c for c in row.calls if c.state is CallState.OPEN]
    assert all(r.outcome.is_final for r in shop.tables.rows.values())
    assert {p.aggregate_id for p in shop.tables.pointers.values()} == {row.id}
    told = [e.type for r in shop.tables.rows.values() for e in r.domain_events]
    assert len(told) == len(set(told))
    if asked_to_be_canceled:
        assert "payment.paid" not in told
