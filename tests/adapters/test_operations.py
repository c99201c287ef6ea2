"""The operations queue, and what the gateway says of failures that Stripe has stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.domain.errors import FailureStored, OutcomeUnknown, StripeRefused
from paidonce.domain.operation import Operation
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.ports import OperationQueue

from tests.adapters.canned import Canned
from tests.adapters.places import Place
from tests.adapters.stripe_bench import Bench, before_canned_stripe, refusal
from tests.fakes import FakeClock
from tests.fakes_operations import FakeOperationQueue

OPERATION = Operation(aggregate_id="pay_1", call="pay_1_capture_1", correlation_id="cor-1")
CALL = StripeCall(
    kind="capture",
    idempotency_key="pay_1_capture_1",
    path="/v1/payment_intents/{id}/capture",
    params={"amount_to_capture": 500},
    object_id="pi_1",
)


def test_what_is_put_is_in_the_queue(place: Place | None) -> None:
    """One contract for the fake and for SQS."""
    if place is None:
        fake = FakeOperationQueue()
        queue: OperationQueue = fake
        queue.put(OPERATION)
        assert fake.put_in == [OPERATION]
        return
    sqs, url = place.client("sqs"), place.queue()
    queue = SqsOperationQueue(sqs, queue_url=url, clock=FakeClock(1_790_000_000))
    queue.put(OPERATION)
    queue.put(Operation(aggregate_id="pay_1", cancel_intent="pi_2"))
    found: list[Any] = []
    while len(found) < 2:
        answer = sqs.receive_message(
            QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10, WaitTimeSeconds=2
        )
        found += answer["Messages"]
    first = next(m for m in found if "capture" in m["Body"])
    attributes = {k: v["StringValue"] for k, v in first["MessageAttributes"].items()}
    assert attributes == {
        "correlation_id": "cor-1",
        "event_type": "operation",
        "received_at": "2026-09-21T14:13:20.000Z",
    }
    assert Operation.parse(first["Body"], correlation_id="cor-1") == OPERATION
    assert {json.loads(m["Body"])["schema"] for m in found} == {1}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with before_canned_stripe() as bench:
        yield bench


def sends(bench: Bench, *answers: Canned) -> None:
    bench.server.answers = list(answers)
    bench.gateway().send(CALL, time_left=bench.clock.time_left(22))


def test_a_stored_failure_is_told_from_one_that_may_pass(bench: Bench) -> None:
    error = {"error": {"type": "api_error", "message": "words"}}
    stored = Canned(500, error, {"Idempotent-Replayed": "true"})
    with pytest.raises(FailureStored):
        sends(bench, stored)
    assert len(bench.server.asked) == 1
    bench.server.asked.clear()
    with pytest.raises(OutcomeUnknown) as raised:
        sends(bench, Canned(500, error))
    assert not isinstance(raised.value, FailureStored)
    assert len(bench.server.asked) == 4


def test_a_state_that_does_not_allow_it_wakes_nobody(bench: Bench) -> None:
    with pytest.raises(StripeRefused) as raised:
        sends(bench, refusal(400, "payment_intent_unexpected_state"))
    assert raised.value.stripe_code == "payment_intent_unexpected_state"
    assert bench.telemetry.counts["InvalidRequest"] == 0
    with pytest.raises(StripeRefused):
        sends(bench, refusal(400, "parameter_unknown"))
    assert bench.telemetry.counts["InvalidRequest"] == 1


def test_a_list_can_end_at_a_second(bench: Bench) -> None:
    bench.server.answers = [Canned(body={"object": "list", "data": [], "has_more": False})]
    listed = bench.gateway().listed(
        "payment_intent", created_from=5, created_to=9, time_left=bench.clock.time_left(22)
    )
    assert list(listed) == []
    assert "created%5Bgte%5D=5&created%5Blte%5D=9" in bench.server.asked[0].path
