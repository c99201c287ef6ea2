"""Answer a fraud warning: refund what is small by itself, and leave the rest to a person.

The refund is reserved in the payment's row under the warning's own names, and made by
`run_operation`: it is charged back once, however often the warning comes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from paidonce.domain.announcement import Announcement
from paidonce.domain.errors import ChangedMeanwhile, NotYetKnown
from paidonce.domain.fraud_refund import FraudRefund
from paidonce.domain.moment import iso
from paidonce.domain.notice import fraud_notice
from paidonce.domain.operation import Operation
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import Verdict
from paidonce.use_cases.decision import Decision
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.notify import Notices
from paidonce.use_cases.ports import Books, Clock, OperationQueue, PaymentBooks, Telemetry


@dataclass(frozen=True, kw_only=True)
class AnswerFraudWarning:
    """What the consumer of `fraud.warned` does. `jitter` gives numbers from 0 to 1.

    `refund_up_to_minor`: the most that is refunded unasked, of any currency; 0 is nothing.
    """

    payments: PaymentBooks
    books: Books
    operations: OperationQueue
    notices: Notices
    clock: Clock
    telemetry: Telemetry
    stage: Stage
    jitter: Callable[[], float]
    refund_up_to_minor: int

    def __call__(self, told: Announcement) -> None:
        """Returns when the refund is queued, a person is told, or nothing is left to do.

        Raises TryAgain and its kinds while neither can be done; InvalidRequest for what is none.
        """
        refund = FraudRefund.of(told)
        if not refund.is_actionable:
            self._tell("fraud warning needs nothing", told, refund)
            return
        payment, why = self._reserved(refund, told.correlation_id)
        if why is not None:
            self.notices.send(fraud_notice(told, why))
            self.telemetry.count("FraudWarningsForPeople")
            self._tell("fraud warning is for people", told, refund)
            return
        known = payment.refund(refund.refund_id)
        if known is None or not known.is_asked or known.call is None:
            self._tell("fraud warning was answered before", told, refund)
            return
        self.operations.put(
            Operation(
                aggregate_id=payment.id,
                call=known.call.idempotency_key,
                correlation_id=told.correlation_id,
            )
        )
        self.telemetry.count("FraudRefundsQueued")
        self._tell("fraud refund queued", told, refund)

    def _reserved(
        self, refund: FraudRefund, correlation_id: str | None
    ) -> tuple[Payment, str | None]:
        """The row with the refund in it, as far as one is due, or why a person must decide."""
        for _ in range(ROUNDS_MAX):
            payment = self.payments.get(refund.payment_id)
            if payment is None:
                raise NotYetKnown(f"{refund.payment_id} has no row")
            if payment.refund(refund.refund_id) is not None:
                return payment, None
            why = refund.left_to_people(payment, up_to_minor=self.refund_up_to_minor)
            if why is not None or payment.refundable_minor == 0:
                return payment, why
            after = refund.reserved(payment, stage=self.stage.name, correlation_id=correlation_id)
            decision = Decision.of(payment, Verdict(after=after), at=iso(self.clock.now()))
            try:
                self.books.commit(decision.commit())
            except ChangedMeanwhile:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
            else:
                return decision.after, None
        raise ChangedMeanwhile(f"{refund.payment_id} met {ROUNDS_MAX} conflicts")

    def _tell(self, message: str, told: Announcement, refund: FraudRefund) -> None:
        self.telemetry.fact(
            message,
            payment_id=refund.payment_id,
            fraud_warning_id=refund.warning_id,
            domain_event_id=told.id,
            correlation_id=told.correlation_id,
        )
