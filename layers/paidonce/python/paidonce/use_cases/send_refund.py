"""Make the call of a refund that is reserved in its payment's row, and note how it ended.

It does the same for the request that reserved it, for its repeat after a crash, and for
`run_operation`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    FailureStored,
    OutcomeUnknown,
    Rejected,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.operation import Operation
from paidonce.domain.ownership import REFUND_MARK
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import NEVER_MADE
from paidonce.domain.refund import Refund
from paidonce.domain.refund_request import REFUSED_BY_STATE, with_next_key
from paidonce.domain.rulebook import FetchFirst, Verdict, rule_for
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX, NoteAnswer
from paidonce.use_cases.ports import Clock, OperationQueue, PaymentBooks, Telemetry, TimeLeft
from paidonce.use_cases.run_operation import NextNotQueuedError
from paidonce.use_cases.stripe_ports import Answer, StripeGateway

# The event that tells of the same thing: its rule decides about an answer as well.
_SAME_AS_EVENT = "refund.created"
_RESOURCE = "refund"
# Stripe names no code for an amount above what is left, only the parameter.
_TOO_MUCH = ("amount", "amount_too_large")


@dataclass(frozen=True, kw_only=True)
class SendRefund:
    """`jitter` gives numbers from 0 to 1; the seconds are design 3.5's.

    Stripe may forget a key after 24 hours: `key_fresh_seconds` are less. A list of what Stripe made
    begins `look_back_seconds` before the first try; what it does not show `absent_after_seconds`
    after the last try was never made.
    """

    payments: PaymentBooks
    gateway: StripeGateway
    note_answer: NoteAnswer
    operations: OperationQueue
    clock: Clock
    telemetry: Telemetry
    jitter: Callable[[], float]
    key_fresh_seconds: int
    look_back_seconds: int = 5 * 60
    absent_after_seconds: int = 15 * 60

    def __call__(
        self,
        payment: Payment,
        refund_id: str,
        *,
        correlation_id: str,
        time_left: TimeLeft,
        is_noted: bool = False,
    ) -> Payment:
        """The payment once the call has ended, done or refused; one that has ended is left alone.

        `is_noted`: this try was written with the reservation. Raises OutcomeUnknown (also where the
        key may not be sent any more), KeyRefused, NotConfigured, TryAgain.
        """
        if not is_noted:
            payment = self._try_noted(payment, refund_id)
        call = open_call(payment, refund_id)
        if call is None:
            return payment
        try:
            answer = self.gateway.send(call, time_left=time_left)
        except FailureStored:
            self._changed(payment, refund_id, StripeCall.spent)
            raise
        except (CardDeclined, StripeRefused) as error:
            return self._refused(payment, refund_id, call, error, correlation_id)
        return self._noted(
            payment, refund_id, call, answer.seen, correlation_id=correlation_id, answer=answer
        )

    def finish(
        self, payment_id: str, idempotency_key: str, *, correlation_id: str, time_left: TimeLeft
    ) -> None:
        """End the call with this key: once more while it may be sent, else by what Stripe lists.

        Afterwards the ledger row of the key is final. Raises TryAgain and its kinds while that
        cannot be done yet; a refusal is an end like any other. Raises NextNotQueuedError when the
        key was given up for the next one, which is not in the queue.
        """
        payment = self._row(payment_id)
        refund = _under(payment, idempotency_key)
        if refund is None or refund.call is None:
            # Given up for the next key, perhaps by somebody who died before it was queued.
            for one in payment.refunds:
                if one.call and one.is_asked:
                    self._queue(payment_id, one.call, correlation_id)
        elif refund.is_asked:
            self._finished(
                payment, refund.id, refund.call, correlation_id=correlation_id, time_left=time_left
            )
        else:
            # An event or another request was faster; no row may wait for ever.
            self.note_answer.decided(
                payment,
                refund.call,
                lambda row: Verdict(after=row, reason="known_before"),
                correlation_id=correlation_id,
            )

    def _finished(
        self,
        payment: Payment,
        refund_id: str,
        call: StripeCall,
        *,
        correlation_id: str,
        time_left: TimeLeft,
    ) -> None:
        if self._may_send(call):
            self(payment, refund_id, correlation_id=correlation_id, time_left=time_left)
            return
        found = self._listed(call, refund_id, time_left=time_left)
        if found is not None:
            self._noted(payment, refund_id, call, found, correlation_id=correlation_id)
            return
        if self.clock.now() - (call.last_tried_at or 0) < self.absent_after_seconds:
            raise OutcomeUnknown(f"{call.idempotency_key} may still be on its way")
        payment = self._under_next_key(payment, refund_id, call, correlation_id)
        again = open_call(payment, refund_id)
        try:
            self(payment, refund_id, correlation_id=correlation_id, time_left=time_left)
        except TryAgain:
            # The row of the old key is final: from now on the new one has a message of its own.
            if again is not None:
                self._queue(payment.id, again, correlation_id)

    def _queue(self, payment_id: str, call: StripeCall, correlation_id: str) -> None:
        operation = Operation(
            aggregate_id=payment_id, call=call.idempotency_key, correlation_id=correlation_id
        )
        try:
            self.operations.put(operation)
        except Exception as error:
            raise NextNotQueuedError(call.idempotency_key) from error

    def _may_send(self, call: StripeCall) -> bool:
        return call.may_be_sent(at=int(self.clock.now()), key_fresh_seconds=self.key_fresh_seconds)

    def _row(self, payment_id: str) -> Payment:
        row = self.payments.get(payment_id)
        if row is None:
            raise ChangedMeanwhile(f"{payment_id} has no row")
        return row

    def _try_noted(self, payment: Payment, refund_id: str) -> Payment:
        """Write that the call is about to be made; raises OutcomeUnknown where it may not be."""

        def tried(call: StripeCall) -> StripeCall:
            if not self._may_send(call):
                raise OutcomeUnknown(f"{call.idempotency_key} is spent, or forgotten at Stripe")
            return call.tried(at=int(self.clock.now()))

        return self._changed(payment, refund_id, tried)

    def _under_next_key(
        self, payment: Payment, refund_id: str, call: StripeCall, correlation_id: str
    ) -> Payment:
        """The list shows that nothing was made: the same request under a new key."""

        def decide(row: Payment) -> Verdict[Payment]:
            refund = row.refund(refund_id)
            if refund is None or row.version != payment.version:
                # What was proven of the row that was read need not hold for another one.
                raise OutcomeUnknown(f"{payment.id} was changed meanwhile")
            return Verdict(after=with_next_key(row, refund, call), reason=NEVER_MADE)

        self.telemetry.count("RefundsAskedAnew")
        return self.note_answer.decided(payment, call, decide, correlation_id=correlation_id)

    def _changed(
        self, payment: Payment, refund_id: str, change: Callable[[StripeCall], StripeCall]
    ) -> Payment:
        """The row with the refund's call changed, unless the call has ended meanwhile."""
        for _ in range(ROUNDS_MAX):
            refund, call = payment.refund(refund_id), open_call(payment, refund_id)
            if refund is None or call is None:
                return payment
            changed = payment.with_refund(replace(refund, call=change(call)))
            after = changed.written(at=payment.updated_at)
            try:
                self.payments.save(payment, after)
            except ChangedMeanwhile:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
                payment = self._row(payment.id)
            else:
                return after
        raise OutcomeUnknown(f"{payment.id} met {ROUNDS_MAX} conflicts")

    def _noted(
        self,
        payment: Payment,
        refund_id: str,
        call: StripeCall,
        seen: Sighting,
        *,
        correlation_id: str,
        answer: Answer | None = None,
    ) -> Payment:
        """Merge what Stripe shows of our refund: its events may have been faster."""
        metadata = {**(seen.object.get("metadata") or {}), REFUND_MARK: refund_id}
        marked = replace(seen, object={**seen.object, "metadata": metadata})
        return self.note_answer.decided(
            payment,
            call,
            lambda row: _by_rule(row, marked),
            answer=answer,
            correlation_id=correlation_id,
        )

    def _refused(
        self,
        payment: Payment,
        refund_id: str,
        call: StripeCall,
        error: CardDeclined | StripeRefused,
        correlation_id: str,
    ) -> Payment:
        """The reservation ends as failed, so its amount is free again."""
        code = error.stripe_code
        if isinstance(error, StripeRefused) and error.param == _TOO_MUCH[0]:
            code = _TOO_MUCH[1]
        by_state = code in REFUSED_BY_STATE
        self.telemetry.count("RefundsRefused")
        return self.note_answer.decided(
            payment,
            call,
            lambda row: _without(
                row, refund_id, StateConflict if by_state else StripeRefused, stripe_code=code
            ),
            correlation_id=correlation_id,
        )

    def _listed(self, call: StripeCall, refund_id: str, *, time_left: TimeLeft) -> Sighting | None:
        """What an earlier try made, by its mark: a list leaves nothing out, Stripe's search may."""
        since = (call.first_tried_at or int(self.clock.now())) - self.look_back_seconds
        for found in self.gateway.listed(_RESOURCE, created_from=since, time_left=time_left):
            if (found.get("metadata") or {}).get(REFUND_MARK) == refund_id:
                return _look(found, at=int(self.clock.now()))
        return None


def open_call(payment: Payment, refund_id: str) -> StripeCall | None:
    """The call of a refund of which it is not known yet what became of it."""
    refund = payment.refund(refund_id)
    return refund.call if refund and refund.is_asked else None


def _under(payment: Payment, idempotency_key: str) -> Refund | None:
    """The refund whose call has this key."""
    named = [r for r in payment.refunds if r.call and r.call.idempotency_key == idempotency_key]
    return named[0] if named else None


def _look(found: Mapping[str, Any], *, at: int) -> Sighting:
    return Sighting(object=found, as_of_from=at, as_of=at, source=Source.FETCH)


def _by_rule(payment: Payment, seen: Sighting) -> Verdict[Payment]:
    rule = rule_for(_SAME_AS_EVENT)
    if rule is None:
        raise LookupError("the rules are not loaded")
    verdict = rule.decide(payment, seen)
    if isinstance(verdict, FetchFirst):
        raise TypeError("a refund is decided without a fetch")
    return verdict


def _without(
    payment: Payment, refund_id: str, refusal: type[Rejected], *, stripe_code: str | None
) -> Verdict[Payment]:
    """The payment without this refund, unless an event has shown meanwhile that it was made."""
    refund: Refund | None = payment.refund(refund_id)
    if refund is None or not refund.is_asked:
        return Verdict(after=payment)
    ended = refund.refused(refusal.code, stripe_code=stripe_code)
    return Verdict(
        after=payment.with_refund(ended),
        reason="refused_by_stripe",
        notices=((ended.status.told_as, ended.id),),
    )
