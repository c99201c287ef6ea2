"""An intent with our mark that is not its payment's: what the bus hears of it is its cancel."""

import json

import pytest
from paidonce.domain.announcement import announcements_of
from paidonce.domain.operation import Operation
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import NOON, STAGE, a_payment, an_event, an_intent
from tests.use_cases.worker import Worker


@pytest.fixture
def worker() -> Worker:
    return Worker(a_payment(payment_intent_id="pi_1"))


def stray(status: str = "requires_payment_method") -> StripeEvent:
    return an_event("payment_intent.created", an_intent(status, id="pi_stray"), created=NOON)


def told(worker: Worker) -> list[str]:
    """What a rule on the bus puts into the operations queue: EventBridge's envelopes."""
    return [
        json.dumps(
            {"detail-type": one.type, "source": one.source, "detail": json.loads(one.detail)}
        )
        for row in worker.tables.rows.values()
        for one in announcements_of(row, STAGE)
    ]


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action", "processing"])
def test_what_the_bus_hears_is_the_operation_that_cancels_it(worker: Worker, status: str) -> None:
    """It stands in the row of the event's own transaction: no crash and no repeat can lose it."""
    assert worker.takes(worker.delivery(stray(status))) == set()
    assert worker.outcomes == {"evt_1": "superseded"}
    (envelope,) = told(worker)
    operation = Operation(aggregate_id="pay_1", cancel_intent="pi_stray", correlation_id="cor")
    assert Operation.parse(envelope) == operation


@pytest.mark.parametrize("status", ["canceled", "succeeded"])
def test_one_that_nobody_can_pay_any_more_needs_no_cancel(worker: Worker, status: str) -> None:
    worker.takes(worker.delivery(stray(status)))
    assert told(worker) == []


def test_other_domain_events_are_no_operations(worker: Worker) -> None:
    own = an_event("payment_intent.requires_action", an_intent("requires_action"))
    worker.takes(worker.delivery(own))
    (envelope,) = told(worker)
    assert Operation.parse(envelope) is None


@pytest.mark.parametrize(
    "detail", [{}, {"id": "x"}, {"id": "pay_1.1.payment.stray_intent", "object": {"id": "pay_1"}}]
)
def test_a_message_that_only_looks_like_one_is_nobody_s(detail: dict[str, object]) -> None:
    whole = {
        "version": 1,
        "occurred_at": "2026-11-22T12:00:00Z",
        "stage": "test",
        "livemode": False,
        "object": {},
        **detail,
    }
    body = json.dumps({"detail-type": "payment.stray_intent", "detail": whole})
    assert Operation.parse(body) is None
