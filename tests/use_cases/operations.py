"""run_operation with fakes for all that is outside, over the same world as a shop's."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from paidonce.domain.ledger import answer_id
from paidonce.domain.operation import Operation
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.capture_payment import CapturePayment
from paidonce.use_cases.change_payment import Asked, Changed
from paidonce.use_cases.end_create import EndCreate
from paidonce.use_cases.patience import Limits, Patience
from paidonce.use_cases.ports import Delivery, TimeLeft
from paidonce.use_cases.run_operation import Finish, RunOperation

from tests.fakes import FakeEventQueue, FakeLease, Sent
from tests.use_cases.a_shop import DEADLINE_SECONDS, Shop, a_caller

LOOK_BACK_SECONDS = 300
ABSENT_AFTER_SECONDS = 900
GIVE_UP_AFTER_SECONDS = 86_400
LIMITS = Limits(
    wait_delays_seconds=(5, 15, 45, 120, 300, 900),
    not_yet_known_max_seconds=GIVE_UP_AFTER_SECONDS,
    try_again_max_seconds=GIVE_UP_AFTER_SECONDS,
    failing_delays_seconds=(10, 30, 120, 600),
    tries_max=5,
)
SERVER = a_caller("server", "payments:any", user_id=None)


class Runner:
    """One run_operation of a shop; `queue` is where its messages wait and are buried."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.queue = FakeEventQueue()
        self.lease: Any = FakeLease()
        self.refunds: list[Operation] = []
        self.others: list[Operation] = []
        self.finish_others: Mapping[str, Finish] = {"req": partial(_kept, self.others)}
        self._count = 0

    @property
    def run_operation(self) -> RunOperation:
        """The verb, over the ports of the shop as they stand now."""
        shop = self.shop
        seconds = {
            "look_back_seconds": LOOK_BACK_SECONDS,
            "absent_after_seconds": ABSENT_AFTER_SECONDS,
        }
        return RunOperation(
            payments=shop.payments,
            books=shop.books,
            operations=shop.operations,
            lease=self.lease,
            gateway=shop.calls,
            make_call=shop.make_call,
            end_create=EndCreate(
                gateway=shop.calls,
                note_try=shop.note_try,
                note_answer=shop.note_answer,
                clock=shop.clock,
                telemetry=shop.telemetry,
                **seconds,
            ),
            note_answer=shop.note_answer,
            finish_refund=partial(_kept, self.refunds),
            finish_others=self.finish_others,
            patience=Patience(
                books=shop.books,
                queue=self.queue,
                clock=shop.clock,
                telemetry=shop.telemetry,
                jitter=lambda: 0.5,
                limits=LIMITS,
                livemode=False,
            ),
            clock=shop.clock,
            telemetry=shop.telemetry,
            absent_after_seconds=ABSENT_AFTER_SECONDS,
            seconds_for_one_call=5,
        )

    def delivery(self, operation: Operation, **changes: Any) -> Delivery:
        """The operation as a message of the queue."""
        self._count += 1
        values: dict[str, Any] = {
            "message_id": f"m{self._count}",
            "receipt_handle": f"r{self._count}",
            "receive_count": 1,
            "body": operation.message(),
            "attributes": {"correlation_id": "corr-1", "event_type": "operation"},
            "event_id": answer_id(operation.idempotency_key),
        }
        return Delivery(**(values | changes))

    def takes(self, *deliveries: Delivery, seconds: float = 60) -> set[str]:
        """One invocation; answers the ids of the messages that come again."""
        return self.run_operation(deliveries, time_left=self.shop.clock.time_left(seconds))

    def runs(self, operation: Operation, **changes: Any) -> bool:
        """Deliver one operation; is its message done?"""
        return not self.takes(self.delivery(operation, **changes))

    def again(self, sent: Sent) -> bool:
        """A copy that waited its time, as it comes back; is it done?"""
        self.shop.clock.advance(sent.delay_seconds)
        operation = Operation.parse(sent.body)
        assert operation is not None
        return self.runs(operation, attributes=sent.attributes)

    def drain(self, *, rounds: int = 200) -> None:
        """Run what is queued, and what waits, until nothing is left."""
        pending = self.shop.operations.put_in
        for _ in range(rounds):
            if pending:
                assert self.runs(pending.pop(0))
            elif self.queue.copies:
                assert self.again(self.queue.copies.pop(0))
            else:
                return
        raise AssertionError("operations go round and round")


def _kept(kept: list[Operation], operation: Operation, _: str, __: TimeLeft) -> None:
    kept.append(operation)


def asked(shop: Shop, key: str = "change-1", **changes: Any) -> Asked:
    """A server asks to change the only payment."""
    values: dict[str, Any] = {
        "payment_id": shop.row.id,
        "caller": SERVER,
        "caller_key": f"hash of {key}",
        "body_hash": json.dumps(changes.pop("body", None)),
    }
    return Asked(**(values | changes))


def captures(shop: Shop, key: str = "change-1", *, amount_minor: int | None = None) -> Changed:
    """POST /payments/{id}/capture."""
    return CapturePayment(change_payment=shop.change_payment)(
        asked(shop, key, body=amount_minor),
        amount_minor=amount_minor,
        correlation_id="corr-1",
        time_left=shop.clock.time_left(DEADLINE_SECONDS),
    )


def cancels(shop: Shop, key: str = "change-1", *, reason: str | None = None) -> Changed:
    """POST /payments/{id}/cancel."""
    return CancelPayment(change_payment=shop.change_payment)(
        asked(shop, key, body=reason),
        reason=reason,
        correlation_id="corr-1",
        time_left=shop.clock.time_left(DEADLINE_SECONDS),
    )
