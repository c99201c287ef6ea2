"""See to payments that stay open: cancel what nobody pays, ask about what takes too long.

Nothing here calls Stripe: operations and readings do, through their own queues.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from paidonce.domain.errors import ChangedMeanwhile, StateConflict
from paidonce.domain.ledger import Outcome, answer_id
from paidonce.domain.moment import iso, seconds
from paidonce.domain.operation import Operation
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CANCEL, creation_call, new_call
from paidonce.domain.reading import Reading
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Clock, OperationQueue, PaymentBooks, Telemetry, TimeLeft
from paidonce.use_cases.references import Reference, References

# One read of the row, one of the ledger, a write and a message.
_SECONDS_FOR_A_PAYMENT = 0.2
_DAY_SECONDS = 86_400
# Stripe's word for a payment that its shopper never came back to.
_REASON = {"cancellation_reason": "abandoned"}
_UNPAID = (PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION)


class OpenPayments(Protocol):
    """Payments that can still move, or have a call of ours without an end."""

    def since(self, *, before: str) -> Iterator[Sequence[Payment]]:
        """Pages of those that were recorded before this (ISO 8601), as they stand now.

        Each page is read when it is asked for; who asks for some pages only gets others the next
        time. Raises TryAgain when throttled.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SeeToOpen:
    """`payments_max` bounds a run; the next one begins elsewhere, with the oldest there.

    A payment nobody has paid for `unpaid_max_seconds` gets a cancel; one that the bank has for
    longer than `processing_max_seconds` is read once a day; a call that was tried longer than
    `unknown_after_seconds` ago and has no end gets an operation, unless one is at it.
    """

    open_payments: OpenPayments
    payments: PaymentBooks
    search: LedgerSearch
    operations: OperationQueue
    references: References
    clock: Clock
    telemetry: Telemetry
    livemode: bool
    unpaid_max_seconds: int
    processing_max_seconds: int
    unknown_after_seconds: int
    payments_max: int

    def __call__(self, *, time_left: TimeLeft) -> int:
        """How many were seen to. Raises TryAgain: what was done is only done again."""
        done = looked_at = 0
        before = iso(self.clock.now() - self.unknown_after_seconds)
        for page in self.open_payments.since(before=before):
            for payment in page:
                if looked_at >= self.payments_max or time_left() < _SECONDS_FOR_A_PAYMENT:
                    return done
                looked_at += 1
                done += self._seen_to(payment)
        return done

    def _seen_to(self, payment: Payment) -> bool:
        now = self.clock.now()
        age = now - seconds(payment.created_at)
        if (call := self._unknown(payment, now)) is not None:
            return self._put(payment, call, "OpenCallsQueued")
        if payment.status in _UNPAID and age >= self.unpaid_max_seconds:
            return self._canceled(payment)
        if payment.status is PaymentStatus.PROCESSING and age >= self.processing_max_seconds:
            return self._read(payment, now)
        return False

    def _unknown(self, payment: Payment, now: float) -> StripeCall | None:
        """The first call without an end, if nobody is at it; what comes after it waits."""
        if payment.status is PaymentStatus.CANCELED:
            return None
        calls = [*payment.calls, *(refund.call for refund in payment.refunds if refund.call)]
        if payment.payment_intent_id is None and payment.checkout_session_id is None:
            calls.insert(0, creation_call(payment))
        for call in calls:
            if call.state is CallState.OPEN and self._is_old(call, now):
                if self._is_at_work(call, now):
                    return None
                return call
        return None

    def _is_old(self, call: StripeCall, now: float) -> bool:
        """A cancel of ours is recorded before it is queued: untried, its message may be lost.

        What else was never tried was never asked of Stripe: nothing is unknown.
        """
        if call.last_tried_at is None:
            return call.kind == CANCEL
        return now - call.last_tried_at >= self.unknown_after_seconds

    def _is_at_work(self, call: StripeCall, now: float) -> bool:
        """Its operation waits or fails since a short time; a dead one is for a person."""
        row = self.search.row(answer_id(call.idempotency_key))
        if row is None or row.outcome.is_final:
            return False
        is_fresh = now - seconds(row.decided_at) < self.unknown_after_seconds
        return row.outcome is Outcome.DEAD or is_fresh

    def _canceled(self, payment: Payment) -> bool:
        """The wish first, in the row: whoever is about to make an intent sees it."""
        if any(call.kind == CANCEL for call in payment.calls):
            return False
        try:
            call = new_call(payment, CANCEL, _REASON)
            after = payment.with_call(call).canceling().written(at=payment.updated_at)
            self.payments.save(payment, after)
        except (ChangedMeanwhile, StateConflict):
            # It moves after all, or has had too many changes: the next run looks again.
            return False
        return self._put(after, call, "AbandonedPayments")

    def _put(self, payment: Payment, call: StripeCall, metric: str) -> bool:
        correlation_id = f"open-{payment.id}"
        self.operations.put(
            Operation(
                aggregate_id=payment.id,
                call=call.idempotency_key,
                correlation_id=correlation_id,
            )
        )
        self.telemetry.count(metric)
        self.telemetry.fact(
            "open payment seen to",
            payment_id=payment.id,
            idempotency_key=call.idempotency_key,
            kind=call.kind,
            correlation_id=correlation_id,
        )
        return True

    def _read(self, payment: Payment, now: float) -> bool:
        """Under one name a day, so that it is one look however often this runs."""
        if payment.payment_intent_id is None:
            return False
        day = int(now) - int(now) % _DAY_SECONDS
        name = Reading(object_id=payment.payment_intent_id, as_of=day).name
        if self.search.row(name) is not None:
            return False
        self.references.send(
            Reference(
                name=name,
                event_type="reading",
                livemode=self.livemode,
                correlation_id=f"open-{payment.id}",
            )
        )
        self.telemetry.count("SlowPaymentsRead")
        return True
