"""Every order of an intent's real events, with copies, in one second and in different ones."""

import json
from itertools import permutations
from typing import Any

import pytest
from paidonce.domain.payment import Payment
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import NOON, a_declined_intent, a_payload, a_payment, an_intent
from tests.use_cases.worker import Worker, stripe_holds

ACTION, PROCESSING, DECLINED = "requires_action", "processing", "payment_failed"
CAPTURABLE, SUCCEEDED, CANCELED = "amount_capturable_updated", "succeeded", "canceled"
# The lives of an intent, by the events that Stripe sends; each ends at another place.
LIVES = {
    "paid": ["created", SUCCEEDED],
    "paid at the third try": ["created", DECLINED, ACTION, DECLINED, ACTION, PROCESSING, SUCCEEDED],
    "declined for good": ["created", ACTION, DECLINED, PROCESSING, DECLINED, ACTION, DECLINED],
    "captured later": ["created", DECLINED, ACTION, PROCESSING, CAPTURABLE, SUCCEEDED],
    "never captured": ["created", ACTION, DECLINED, ACTION, CAPTURABLE, CANCELED],
    "given up": ["created", DECLINED, ACTION, PROCESSING, DECLINED, CANCELED],
    "left in the middle": ["created", ACTION, DECLINED, ACTION, DECLINED, PROCESSING],
}
STATUS = {
    "created": "requires_payment_method",
    ACTION: "requires_action",
    PROCESSING: "processing",
    CAPTURABLE: "requires_capture",
    SUCCEEDED: "succeeded",
    CANCELED: "canceled",
}
ENDS = {
    PROCESSING: "processing",
    DECLINED: "failed",
    SUCCEEDED: "paid",
    CANCELED: "canceled",
}
# Seconds between an event and the next.
PACES = {"one second": 0, "different seconds": 2}


def events_of(life: list[str], pace: int) -> list[StripeEvent]:
    """The events of a life, as Stripe writes them."""
    found = []
    for number, name in enumerate(life):
        intent = (
            a_declined_intent(("insufficient_funds", "expired_card")[number % 2])
            if name == DECLINED
            else an_intent(STATUS[name])
        )
        payload = a_payload(f"payment_intent.{name}", intent, f"evt_{number}", NOON + number * pace)
        found.append(StripeEvent.parse(json.dumps(payload)))
    return found


class Explorer:
    """Delivers what is left in every order; states that are the same are gone on from once."""

    def __init__(self, events: list[StripeEvent], *, sees_the_end: bool) -> None:
        self.events = events
        self.sees_the_end = sees_the_end
        self.seen: set[Any] = set()
        self.orders = 0

    def go(self, payment: Payment, rows: dict[str, Any], told: tuple[str, ...]) -> None:
        """From here on, every order of what is left, and each copy of what was delivered."""
        known = (payment.status, payment.last_error, payment.as_of_from, payment.as_of)
        key = (frozenset(rows), told, known)
        if key in self.seen:
            return
        self.seen.add(key)
        left = [n for n, event in enumerate(self.events) if event.id not in rows]
        if not left:
            self.orders += 1
            self.judge(payment, told)
        for number in range(len(self.events)):
            after, row_after = self.delivered(payment, rows, number)
            if number in left:
                more = tuple(e.type for e in row_after[self.events[number].id].domain_events)
                self.go(after, row_after, told + more)
            else:
                assert (after, row_after) == (payment, rows)

    def delivered(
        self, payment: Payment, rows: dict[str, Any], number: int
    ) -> tuple[Payment, dict[str, Any]]:
        """One event, twice in one batch, to the real worker."""
        worker = Worker(payment)
        worker.tables.rows.update(rows)
        newest = max([number, *(int(i.removeprefix("evt_")) for i in rows)])
        shown = self.events[-1 if self.sees_the_end else newest]
        worker.clock.time = float(shown.created)
        stripe_holds(worker, dict(shown.object))
        event = self.events[number]
        again = worker.takes(worker.delivery(event), worker.delivery(event))
        assert again == set()
        assert worker.queue.copies == []
        return worker.payment, worker.tables.rows

    def judge(self, payment: Payment, told: tuple[str, ...]) -> None:
        """Where the life ends, and nothing that happens once was told twice."""
        last = self.events[-1].type.removeprefix("payment_intent.")
        assert payment.status.value == ENDS[last]
        for once in ("payment.paid", "payment.canceled", "payment.authorized"):
            assert told.count(once) <= 1
        if payment.status.value in ("paid", "canceled", "failed"):
            assert told[-1] == f"payment.{payment.status.value}"


@pytest.mark.parametrize("sees_the_end", [True, False], ids=["late fetches", "early fetches"])
@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_every_order_with_copies_ends_as_stripe_holds_it(
    life: list[str],
    pace: int,
    sees_the_end: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """Each event twice at once, each copy again after each step; fetches show the end or little."""
    explorer = Explorer(events_of(life, pace), sees_the_end=sees_the_end)
    explorer.go(a_payment(), {}, ())
    assert explorer.orders >= 1


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
@pytest.mark.parametrize("name", ["captured later", "declined for good"])
def test_every_order_within_one_batch_ends_as_stripe_holds_it(name: str, pace: int) -> None:
    """Folded by one read, with one copy among them; what needs a fetch is taken out and done."""
    events = events_of(LIVES[name][:5], pace)
    last = events[-1].type.removeprefix("payment_intent.")
    for order in permutations([*events, events[1]]):
        worker = Worker()
        stripe_holds(worker, dict(events[-1].object))
        worker.clock.time = float(events[-1].created)
        assert worker.takes(*(worker.delivery(event) for event in order)) == set()
        ends = {**ENDS, CAPTURABLE: "authorized"}
        assert worker.payment.status.value == ends[last]
        assert len(worker.tables.rows) == len(events)
