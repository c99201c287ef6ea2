"""Refund a payment: reserve the amount in its row, call Stripe, note the answer by the rule.

Every step can be repeated after a crash at any line, by the same request or by `run_operation`: it
finds the reservation, and makes the call that is missing with the key that stands in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from paidonce.domain.errors import (
    ChangedMeanwhile,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    Rejected,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.moment import iso
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Payment
from paidonce.domain.refund import Refund
from paidonce.domain.refund_request import RefundRequest, sentence_for
from paidonce.domain.rulebook import Verdict
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.decision import Decision
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.ports import Books, Clock, TimeLeft
from paidonce.use_cases.read_refund import payment_behind
from paidonce.use_cases.send_refund import SendRefund, open_call


class How(Enum):
    """How a request for a refund ended."""

    MADE = "made"
    REPEATED = "repeated"  # the same key, and all was done before
    NOT_KNOWN_YET = "not_known_yet"  # Stripe may or may not have done it


@dataclass(frozen=True, kw_only=True)
class Refunded:
    """The refund, and its payment as the row stands."""

    payment: Payment
    refund: Refund
    how: How


@dataclass(frozen=True, kw_only=True)
class RefundPayment:
    """The verb behind POST /refunds.

    `check_key` raises NotConfigured or KeyRefused while nothing can be sent. `jitter` gives numbers
    from 0 to 1.
    """

    books: Books
    send_refund: SendRefund
    defer: Defer
    clock: Clock
    stage: Stage
    jitter: Callable[[], float]
    check_key: Callable[[], object]

    def __call__(
        self, request: RefundRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> Refunded:
        """The refund of this request.

        Raises NotFound, IdempotencyConflict, StateConflict, StripeRefused (nothing is refunded
        then), NotConfigured, KeyRefused, and TryAgain where not even the record could be written,
        or nobody is sure to go on with it: the caller asks again with the same key.
        """
        # Before the first write: a stage without a key leaves no trace of what it cannot do.
        self.check_key()
        payment, is_new = self._reserved(request, correlation_id)
        call = open_call(payment, request.refund_id)
        if call is None:
            return _ended(payment, request.refund_id, is_repeat=True)
        try:
            payment = self.send_refund(
                payment,
                request.refund_id,
                correlation_id=correlation_id,
                time_left=time_left,
                is_noted=is_new,
            )
        except TryAgain as error:
            unknown = error if isinstance(error, OutcomeUnknown) else OutcomeUnknown(error.code)
            # Also with a key that is refused: nobody but `run_operation` would free the amount.
            self.defer(payment, call.idempotency_key, unknown, correlation_id=correlation_id)
            if isinstance(error, KeyRefused | NotConfigured):
                raise
            return Refunded(
                payment=payment, refund=_of(payment, request.refund_id), how=How.NOT_KNOWN_YET
            )
        return _ended(payment, request.refund_id, is_repeat=False)

    def _reserved(self, request: RefundRequest, correlation_id: str) -> tuple[Payment, bool]:
        """The row with the refund of this request in it, and whether it was put there now."""
        for _ in range(ROUNDS_MAX):
            payment = payment_behind(
                self.books, pointer_id=request.refund_id, payment_id=request.payment_id
            )
            if payment is None or not request.caller.sees(payment.user_id):
                raise NotFound("There is no such payment.")
            known = payment.refund(request.refund_id)
            if known is not None:
                if known.call is None or known.call.body_hash != request.body_hash:
                    raise IdempotencyConflict("This Idempotency-Key came before with another body.")
                return payment, False
            now = self.clock.now()
            after = request.reserved(
                payment, stage=self.stage.name, at=int(now), correlation_id=correlation_id
            )
            decision = Decision.of(payment, Verdict(after=after), at=iso(now))
            try:
                # With the pointer by which a repeat finds it, whatever payment that names.
                self.books.commit(decision.commit())
            except ChangedMeanwhile:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
            else:
                return decision.after, True
        raise ChangedMeanwhile(f"{request.payment_id} met {ROUNDS_MAX} conflicts")


def _of(payment: Payment, refund_id: str) -> Refund:
    refund = payment.refund(refund_id)
    if refund is None:
        raise LookupError(f"{refund_id} does not stand in {payment.id}")
    return refund


def _ended(payment: Payment, refund_id: str, *, is_repeat: bool) -> Refunded:
    """What the caller hears; raises what Stripe's refusal means, the first time and every other."""
    refund = _of(payment, refund_id)
    call = refund.call
    if call is not None and call.state is CallState.REFUSED:
        raise _refusal(call.refusal, call.stripe_code, is_repeat=is_repeat)
    how = How.REPEATED if is_repeat else How.MADE
    return Refunded(payment=payment, refund=refund, how=how)


def _refusal(refusal: str | None, stripe_code: str | None, *, is_repeat: bool) -> Rejected:
    if refusal == StateConflict.code:
        error: Rejected = StateConflict(sentence_for(stripe_code))
    else:
        error = StripeRefused("Stripe refused the refund", stripe_code=stripe_code)
    error.is_repeat = is_repeat
    return error
