"""The worker with fakes for all that is outside, and a small queue to drive it with."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from paidonce import rules
from paidonce.domain import rulebook
from paidonce.domain.moment import iso
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Payment
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.apply_event import ApplyEvent
from paidonce.use_cases.decide_alone import DecideAlone
from paidonce.use_cases.patience import Limits, Patience
from paidonce.use_cases.ports import Delivery

from tests.examples import NOON, STAGE, a_payment
from tests.fakes import FakeBooks, FakeClock, FakeEventQueue, FakeLease, Sent, Tables
from tests.fakes_ledger_search import FakeLedgerSearch
from tests.fakes_stripe import FakeStripe, FakeStripeReader
from tests.fakes_telemetry import FakeTelemetry

rulebook.load(rules)

LIMITS = Limits(
    wait_delays_seconds=(5, 15, 45, 120, 300, 900),
    not_yet_known_max_seconds=900,
    try_again_max_seconds=86_400,
    failing_delays_seconds=(10, 30, 120, 600),
    tries_max=5,
)


class Worker:
    """One worker; `tables`, `queue`, `stripe` and `telemetry` show what became of things."""

    def __init__(self, *payments: Payment, stage: Stage = STAGE) -> None:
        self.clock = FakeClock(NOON + 10)
        self.tables = Tables(payments={p.id: p for p in payments or (a_payment(),)})
        self.books = FakeBooks(self.tables)
        self.queue = FakeEventQueue()
        self.lease = FakeLease()
        self.stripe = FakeStripe(self.clock)
        self.reader = FakeStripeReader(self.stripe)
        self.telemetry = FakeTelemetry()
        self._count = 0
        self.apply = ApplyEvent(
            books=self.books,
            queue=self.queue,
            lease=self.lease,
            decide_alone=DecideAlone(
                books=self.books,
                search=FakeLedgerSearch(self.tables),
                reader=self.reader,
                clock=self.clock,
                telemetry=self.telemetry,
                stage=stage,
                foreign_pointer_seconds=30 * 86_400,
            ),
            patience=Patience(
                books=self.books,
                queue=self.queue,
                clock=self.clock,
                telemetry=self.telemetry,
                jitter=lambda: 0.5,
                limits=LIMITS,
                livemode=False,
            ),
            clock=self.clock,
            telemetry=self.telemetry,
            jitter=lambda: 0.5,
            seconds_for_two_calls=10,
        )

    def takes(
        self, *deliveries: Delivery, time_left: Callable[[], float] = lambda: 60.0
    ) -> set[str]:
        """One invocation; answers the ids of the messages that come again."""
        return self.apply(deliveries, time_left=time_left)

    def delivery(
        self,
        event: StripeEvent | None,
        *,
        receive_count: int = 1,
        event_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> Delivery:
        """A message about the event, or with its id alone."""
        self._count += 1
        return Delivery(
            message_id=f"m{self._count}",
            receipt_handle=f"r{self._count}",
            receive_count=receive_count,
            body=json.dumps({"id": event.id if event else event_id}),
            attributes=attributes
            or {"correlation_id": "cor", "received_at": iso(self.clock.now())},
            event_id=event.id if event else event_id,
            event=event,
        )

    def again(self, sent: Sent, event: StripeEvent) -> Delivery:
        """A copy that was sent to wait, as it comes back."""
        return self.delivery(event, attributes=sent.attributes)

    @property
    def outcomes(self) -> dict[str, str]:
        """Event id → what became of it."""
        return {i: row.outcome.value for i, row in self.tables.rows.items()}

    @property
    def payment(self) -> Payment:
        """The payment that most tests are about."""
        return self.tables.payments["pay_1"]


def stripe_holds(worker: Worker, intent: dict[str, Any]) -> None:
    """What a fetch will find."""
    worker.stripe.objects[intent["id"]] = intent
