"""Two Event objects for one change: one domain event, one notice, however often all of it comes."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.consume import Consume, Message
from paidonce.use_cases.notify import Notify
from paidonce.use_cases.ports import Pointer
from paidonce.use_cases.publish_changes import PublishChanges

from tests.a_change import an_envelope
from tests.examples import NOON, STAGE, a_payment, an_event, an_intent
from tests.fakes import FakeLease
from tests.fakes_notices import FakeNotices
from tests.fakes_publishing import FakeEventBus, FakeOutbox
from tests.use_cases.a_refund_desk import a_paid_payment, a_stripe_refund
from tests.use_cases.worker import Worker, stripe_holds


class Whole:
    """The worker, the publisher and notify over one ledger."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.bus, self.notices = FakeEventBus(), FakeNotices()
        self._publish_changes = PublishChanges(
            bus=self.bus,
            outbox=FakeOutbox(worker.tables),
            telemetry=worker.telemetry,
            stage=STAGE,
        )
        self._consume = Consume(
            lease=FakeLease(),
            telemetry=worker.telemetry,
            act=Notify(notices=self.notices, telemetry=worker.telemetry),
        )

    def happens(self, *events: StripeEvent) -> None:
        """Each delivered alone, and twice; every change is published twice and consumed twice."""
        for event in (*events, *events):
            assert self.worker.takes(self.worker.delivery(event)) == set()
        rows = [row for row in self.worker.tables.rows.values() if row.domain_events]
        for _ in range(2):
            assert self._publish_changes(rows) == set()
        told = [an_envelope(one) for one in self.bus.told]
        messages = [Message(message_id=str(n), body=body) for n, body in enumerate(told)]
        assert self._consume(messages) == set()


@pytest.mark.parametrize("apart_seconds", [0, 1])
def test_a_payment_that_two_events_call_paid_makes_one_receipt(apart_seconds: int) -> None:
    worker = Worker(a_payment())
    intent = an_intent("succeeded")
    stripe_holds(worker, intent)
    whole = Whole(worker)
    whole.happens(
        an_event(found=intent, event_id="evt_1"),
        an_event(found=intent, event_id="evt_2", created=NOON + apart_seconds),
    )
    assert worker.payment.status is PaymentStatus.PAID
    assert set(whole.bus.ids) == {f"pay_1.{worker.payment.version}.payment.paid"}
    assert [notice.kind for notice in whole.notices.sent] == ["receipt"]


@pytest.mark.parametrize("pair", [("refund.failed", "refund.updated"), ("refund.updated",) * 2])
def test_a_refund_that_two_events_call_failed_is_told_once(pair: tuple[str, str]) -> None:
    worker = Worker(a_paid_payment())
    worker.tables.pointers["ch_1"] = Pointer(id="ch_1", aggregate_id="pay_1")
    made, failed = a_stripe_refund(), a_stripe_refund("failed")
    whole = Whole(worker)

    def event(event_type: str, found: dict[str, Any], number: int) -> StripeEvent:
        return an_event(event_type, found, event_id=f"evt_{number}", created=NOON + number)

    whole.happens(
        event("refund.created", made, 1), event(pair[0], failed, 2), event(pair[1], failed, 3)
    )
    (notice,) = whole.notices.sent
    assert notice.kind == "refund_failed"
    assert notice.text.startswith("4.00 USD of payment pay_1")
    failures = [i for i in whole.bus.ids if "refund.failed" in i]
    assert set(failures) == {notice.id}


def test_a_second_failure_of_another_refund_is_a_second_notice() -> None:
    worker = Worker(a_paid_payment())
    worker.tables.pointers["ch_1"] = Pointer(id="ch_1", aggregate_id="pay_1")
    whole = Whole(worker)
    first = an_event("refund.failed", a_stripe_refund("failed"), event_id="evt_1")
    second = replace(first, id="evt_2", object=a_stripe_refund("failed", id="re_2"))
    whole.happens(first, second)
    assert len({notice.id for notice in whole.notices.sent}) == 2
