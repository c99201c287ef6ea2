"""Make one call that stands in a payment's row: note the try, send it, note how it ended.

It does the same for the request that recorded the call, for its repeat after a crash, and for
`run_operation`.
"""

from dataclasses import dataclass

from paidonce.domain.errors import (
    CardDeclined,
    FailureStored,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.payment import Band, Payment
from paidonce.domain.payment_calls import EXPIRE_PATH, call_under, is_wanted, resource_of
from paidonce.domain.rulebook import Verdict
from paidonce.domain.stripe_call import STATE_REFUSALS, CallState, StripeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import Answer, StripeGateway

RESOURCE = "payment_intent"


@dataclass(frozen=True, kw_only=True)
class MakeCall:
    """Captures and cancels; what became of the call stands in the row afterwards."""

    gateway: StripeGateway
    note_try: NoteTry
    note_answer: NoteAnswer

    def __call__(
        self, payment: Payment, idempotency_key: str, *, correlation_id: str, time_left: TimeLeft
    ) -> Payment:
        """The payment once the call has ended, done or refused.

        Raises OutcomeUnknown, KeyRefused, NotConfigured, TryAgain, and StripeRefused for a request
        that was wrong (it is noted as refused before).
        """
        payment = self.known_end(payment, idempotency_key, correlation_id=correlation_id)
        payment, call = self.note_try.call(payment, idempotency_key)
        if call.state is not CallState.OPEN:
            return payment
        try:
            answer = self.gateway.send(call, time_left=time_left)
        except FailureStored:
            self.note_try.spent(payment, idempotency_key)
            raise
        except (CardDeclined, StripeRefused) as error:
            ended = _refused(call, error)
            payment = self._noted_refusal(
                payment, ended, correlation_id=correlation_id, time_left=time_left
            )
            if ended.refusal == StripeRefused.code:
                raise
            return payment
        return self.note_answer.ended(payment, call, answer, correlation_id=correlation_id)

    def known_end(self, payment: Payment, idempotency_key: str, *, correlation_id: str) -> Payment:
        """End a call of a payment that is final without asking Stripe: nothing can come of it."""
        call = call_under(payment, idempotency_key)
        is_open = call is not None and call.state is CallState.OPEN
        if call is None or not is_open or payment.status.band is not Band.FINAL:
            return payment
        return self.note_answer.decided(
            payment,
            call,
            lambda row: Verdict(
                after=row.with_call(
                    call.ended(CallState.DONE)
                    if is_wanted(row, call)
                    else call.refused(StateConflict.code)
                ),
                reason="known_before",
            ),
            correlation_id=correlation_id,
        )

    def _noted_refusal(
        self, payment: Payment, call: StripeCall, *, correlation_id: str, time_left: TimeLeft
    ) -> Payment:
        """Refused, with the intent as it is now: its state is why."""
        try:
            look = self._look(call, time_left)
        except (KeyRefused, NotConfigured):
            raise
        except TryAgain as error:
            if call.refusal == StateConflict.code:
                # What the state is decides what the caller hears.
                raise OutcomeUnknown(f"{call.object_id} cannot be read now") from error
            look = None
        if look is not None:
            return self.note_answer.ended(payment, call, look, correlation_id=correlation_id)
        return self.note_answer.decided(
            payment,
            call,
            lambda row: Verdict(after=row.with_call(call), reason=call.refusal),
            correlation_id=correlation_id,
        )

    def _look(self, call: StripeCall, time_left: TimeLeft) -> Answer | None:
        """The intent as it is; None where it is not there, which is a bug that the call tells."""
        try:
            return self.gateway.get(resource_of(call), call.object_id or "", time_left=time_left)
        except StripeRefused:
            return None


def _refused(call: StripeCall, error: CardDeclined | StripeRefused) -> StripeCall:
    if isinstance(error, CardDeclined):
        return call.refused(
            error.code, stripe_code=error.stripe_code, decline_code=error.decline_code
        )
    # Stripe has no word of its own for a page that is over.
    of_state = error.stripe_code in STATE_REFUSALS or call.path == EXPIRE_PATH
    return call.refused(
        StateConflict.code if of_state else error.code, stripe_code=error.stripe_code
    )
