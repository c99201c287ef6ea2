"""The operations side of a world: the notes that API and runner share, and the runner itself."""

from dataclasses import dataclass
from typing import Any

from paidonce.domain.operation import Operation
from paidonce.domain.ownership import Stage
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.end_create import EndCreate
from paidonce.use_cases.finish_billing import FinishBilling
from paidonce.use_cases.make_call import MakeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.patience import Limits
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.run_operation import RunOperation
from paidonce.use_cases.send_refund import SendRefund

STAGE = Stage(name="sim", livemode=False)
# stages.toml, operations (a test compares).
KEY_FRESH_SECONDS, LOOK_BACK_SECONDS, ABSENT_AFTER_SECONDS = 82_800, 300, 900
GIVE_UP_AFTER_SECONDS = 86_400
LIMITS = Limits(
    wait_delays_seconds=(5, 15, 45, 120, 300, 900),
    not_yet_known_max_seconds=GIVE_UP_AFTER_SECONDS,
    try_again_max_seconds=GIVE_UP_AFTER_SECONDS,
    failing_delays_seconds=(10, 30, 120, 600),
    tries_max=5,
)


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is written about calls of ours, before and after them."""

    note_try: NoteTry
    note_answer: NoteAnswer

    @classmethod
    def of(cls, world: Any, books: Any, payments: Any) -> "Notes":
        """Over the ports of a world."""
        return cls(
            note_try=NoteTry(
                payments=payments,
                clock=world.clock,
                telemetry=world.tally,
                jitter=world.jitter,
                key_fresh_seconds=KEY_FRESH_SECONDS,
            ),
            note_answer=NoteAnswer(
                books=books,
                payments=payments,
                clock=world.clock,
                telemetry=world.tally,
                stage=STAGE,
                jitter=world.jitter,
            ),
        )


def refund_sender(world: Any, ports: Any) -> SendRefund:
    """What makes the calls of refunds, for the API and for the runner."""
    return SendRefund(
        payments=ports.payments,
        gateway=ports.gateway,
        note_answer=ports.notes.note_answer,
        operations=ports.operations,
        clock=world.clock,
        telemetry=world.tally,
        jitter=world.jitter,
        key_fresh_seconds=KEY_FRESH_SECONDS,
        look_back_seconds=LOOK_BACK_SECONDS,
        absent_after_seconds=ABSENT_AFTER_SECONDS,
    )


def runner(world: Any, ports: Any, *, carry_out: CarryOut, queue: Any) -> RunOperation:
    """The real worker of the operations queue."""
    gateway, notes = ports.gateway, ports.notes
    send_refund = refund_sender(world, ports)

    def finish_refund(operation: Operation, correlation_id: str, time_left: TimeLeft) -> None:
        send_refund.finish(
            operation.aggregate_id,
            operation.idempotency_key,
            correlation_id=correlation_id,
            time_left=time_left,
        )

    return RunOperation(
        payments=ports.payments,
        books=ports.books,
        operations=ports.operations,
        lease=world.lease(),
        gateway=gateway,
        make_call=MakeCall(gateway=gateway, note_try=notes.note_try, note_answer=notes.note_answer),
        end_create=EndCreate(
            gateway=gateway,
            note_try=notes.note_try,
            note_answer=notes.note_answer,
            clock=world.clock,
            telemetry=world.tally,
            look_back_seconds=LOOK_BACK_SECONDS,
            absent_after_seconds=ABSENT_AFTER_SECONDS,
        ),
        note_answer=notes.note_answer,
        finish_refund=finish_refund,
        finish_others=FinishBilling.over(carry_out).finish,
        patience=world.patience(ports.books, queue, LIMITS),
        clock=world.clock,
        telemetry=world.tally,
        absent_after_seconds=ABSENT_AFTER_SECONDS,
        seconds_for_one_call=5,
    )
