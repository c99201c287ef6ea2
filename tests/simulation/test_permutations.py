"""Every order of an intent's real events, with copies, in one second and in different ones."""

import json
from collections.abc import Hashable, Mapping
from itertools import permutations
from typing import Any

import pytest
from paidonce.domain.payment import Payment
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import NOON, a_declined_intent, a_payload, a_payment, an_intent
from tests.simulation.orders import Explorer, Told, in_each_pace, with_each_fetch
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


class PaymentExplorer(Explorer[Payment]):
    """A payment, told of by its intent's events."""

    def known(self, payment: Payment, told: Told) -> Hashable:
        """With the order in which things were told."""
        return told, payment.status, payment.last_error, payment.as_of_from, payment.as_of

    def worker_with(self, payment: Payment) -> Worker:
        return Worker(payment)

    def row_of(self, worker: Worker) -> Payment:
        return worker.payment

    def held_at(self, number: int) -> list[Mapping[str, Any]]:
        return [self.events[number].object]

    def judge(self, payment: Payment, told: Told) -> None:
        """Where the life ends, and nothing that happens once was told twice."""
        last = self.events[-1].type.removeprefix("payment_intent.")
        assert payment.status.value == ENDS[last]
        for once in ("payment.paid", "payment.canceled", "payment.authorized"):
            assert told.count(once) <= 1
        if payment.status.value in ("paid", "canceled", "failed"):
            assert told[-1] == f"payment.{payment.status.value}"


@with_each_fetch
@in_each_pace
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_every_order_with_copies_ends_as_stripe_holds_it(
    life: list[str],
    pace: int,
    sees_the_end: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """Each event twice at once, each copy again after each step; fetches show the end or little."""
    explorer = PaymentExplorer(events_of(life, pace), sees_the_end=sees_the_end)
    assert explorer.explore(a_payment()) >= 1


@in_each_pace
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
