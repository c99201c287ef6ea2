"""On every line that a worker writes during one message is that message's correlation id alone."""

from collections.abc import Mapping
from dataclasses import replace

from paidonce.domain.errors import TryAgain
from paidonce.domain.operation import Operation
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.apply_event import ApplyEvent
from paidonce.use_cases.ports import TimeLeft

from tests.examples import an_event
from tests.fakes_stripe import FakeStripe, FakeStripeReader
from tests.fakes_telemetry import FakeTelemetry
from tests.use_cases.a_shop import Shop, a_request
from tests.use_cases.operations import Runner
from tests.use_cases.worker import Worker

CALL = "stripe call"


class TellingReader(FakeStripeReader):
    """Writes a line for each call, as the adapter does, which knows nothing of messages."""

    def __init__(self, stripe: FakeStripe, telemetry: FakeTelemetry) -> None:
        super().__init__(stripe)
        self._telemetry = telemetry

    def retrieve(self, resource: str, object_id: str) -> Sighting:
        """See `StripeReader.retrieve`."""
        self._telemetry.fact(CALL, object_id=object_id)
        return super().retrieve(resource, object_id)

    def event(self, event_id: str) -> StripeEvent:
        """See `StripeReader.event`."""
        self._telemetry.fact(CALL, object_id=event_id)
        return super().event(event_id)


def a_telling_worker() -> tuple[ApplyEvent, Worker, TellingReader]:
    worker = Worker()
    reader = TellingReader(worker.stripe, worker.telemetry)
    decide_alone = replace(worker.apply.decide_alone, reader=reader)
    return replace(worker.apply, decide_alone=decide_alone), worker, reader


def calls(telemetry: FakeTelemetry) -> list[tuple[object, object]]:
    """Whose id was on the line of which call."""
    return [
        (ids["object_id"], ids.get("correlation_id"))
        for message, ids in telemetry.facts
        if message == CALL
    ]


def decided(telemetry: FakeTelemetry) -> list[tuple[str, Mapping[str, str | float | None]]]:
    """The other lines."""
    return [(message, ids) for message, ids in telemetry.facts if message != CALL]


def test_calls_of_a_batch_carry_the_id_of_the_event_in_work() -> None:
    """Events by their ids alone, of which the first cannot be read now; and one without any id."""
    apply, worker, reader = a_telling_worker()
    for n in (2, 3):
        worker.stripe.events[f"evt_{n}"] = an_event(event_id=f"evt_{n}")
    reader.faults.plan("event", TryAgain("away"))
    batch = [
        worker.delivery(None, event_id=f"evt_{n}", attributes={"correlation_id": f"cor-{n}"})
        for n in (1, 2, 3)
    ]
    batch.append(worker.delivery(None, event_id=None, attributes={"event_type": "unknown"}))
    apply(batch, time_left=lambda: 60.0)
    assert calls(worker.telemetry) == [("evt_1", "cor-1"), ("evt_2", "cor-2"), ("evt_3", "cor-3")]
    told = [(m, ids["event_id"], ids["correlation_id"]) for m, ids in decided(worker.telemetry)]
    assert told == [
        ("event waits", "evt_1", "cor-1"),
        ("event decided", "evt_2", "cor-2"),
        ("event decided", "evt_3", "cor-3"),
    ]
    ((_, _, of_nobody),) = worker.telemetry.faults
    assert of_nobody["correlation_id"] is None
    assert worker.telemetry.correlation_ids == []


def test_a_repeat_in_a_batch_is_told_under_its_own_id() -> None:
    apply, worker, _ = a_telling_worker()
    event = an_event()
    for correlation_id in ("cor-1", "cor-2"):
        apply(
            [worker.delivery(event, attributes={"correlation_id": correlation_id})],
            time_left=lambda: 60.0,
        )
    assert [(message, ids["correlation_id"]) for message, ids in worker.telemetry.facts] == [
        ("event decided", "cor-1"),
        ("event was decided before", "cor-2"),
    ]


def test_calls_of_operations_carry_the_id_of_the_operation_in_work() -> None:
    """Also when the first of them raises what nobody expects."""
    runner = Runner(Shop())
    shop = runner.shop
    shop.take(a_request())
    telemetry = shop.telemetry

    def finish_refund(operation: Operation, correlation_id: str, _: TimeLeft) -> None:
        telemetry.fact(CALL, object_id=operation.call)
        if correlation_id == "cor-1":
            raise ZeroDivisionError

    run_operation = replace(runner.run_operation, finish_refund=finish_refund)
    telemetry.facts.clear()
    batch = [
        runner.delivery(
            Operation(aggregate_id=shop.row.id, call=f"ch_1_r{n}"),
            attributes={"correlation_id": f"cor-{n}"},
        )
        for n in (1, 2)
    ]
    assert run_operation(batch, time_left=shop.clock.time_left(60)) == {batch[0].message_id}
    assert calls(telemetry) == [("ch_1_r1", "cor-1"), ("ch_1_r2", "cor-2")]
    ((_, error, ids),) = telemetry.faults
    assert (error, ids["correlation_id"]) == ("ZeroDivisionError", "cor-1")
    assert telemetry.correlation_ids == []
