"""An intent with our mark that is not its payment's: its cancel is queued, come what may."""

import pytest
from paidonce.domain.errors import TryAgain
from paidonce.domain.operation import Operation
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import NOON, a_payment, an_event, an_intent
from tests.use_cases.worker import Worker

OPERATION = Operation(aggregate_id="pay_1", cancel_intent="pi_stray", correlation_id="cor")


@pytest.fixture
def worker() -> Worker:
    return Worker(a_payment(payment_intent_id="pi_1"))


def stray(status: str = "requires_payment_method") -> StripeEvent:
    return an_event("payment_intent.created", an_intent(status, id="pi_stray"), created=NOON)


def test_its_cancel_is_queued_with_the_event(worker: Worker) -> None:
    assert worker.takes(worker.delivery(stray())) == set()
    assert worker.operations.put_in == [OPERATION]
    assert worker.outcomes == {"evt_1": "superseded"}


def test_a_repeat_queues_it_again(worker: Worker) -> None:
    """The first worker may have died between the commit and the queue."""
    for count in (1, 1, 2):
        assert worker.takes(worker.delivery(stray(), receive_count=count)) == set()
        worker.lease.done.clear()
    assert worker.operations.put_in == [OPERATION] * 3
    assert len(worker.books.commits) == 1


@pytest.mark.parametrize("receive_count", [1, 2])
def test_where_it_cannot_be_queued_the_event_comes_again(
    worker: Worker, receive_count: int
) -> None:
    worker.operations.faults.plan("put", TryAgain("full"), RuntimeError("no queue"))
    delivery = worker.delivery(stray(), receive_count=receive_count)
    for _ in range(2 - (receive_count == 1)):
        assert worker.takes(delivery) == {delivery.message_id}
    assert worker.outcomes == {"evt_1": "superseded"}
    assert worker.takes(delivery) == set()
    assert worker.operations.put_in == [OPERATION]


@pytest.mark.parametrize("status", ["canceled", "succeeded"])
def test_one_that_nobody_can_pay_any_more_needs_no_cancel(worker: Worker, status: str) -> None:
    worker.takes(worker.delivery(stray(status)))
    assert worker.operations.put_in == []


def test_neighbours_of_the_batch_are_done(worker: Worker) -> None:
    own = an_event("payment_intent.processing", an_intent("processing"), event_id="evt_2")
    worker.operations.faults.plan("put", *[TryAgain("full")] * 2)
    first, second = worker.delivery(stray()), worker.delivery(own)
    assert worker.takes(first, second) == {first.message_id}
    assert worker.outcomes == {"evt_1": "superseded", "evt_2": "applied"}
