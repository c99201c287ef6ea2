"""End a creation whose outcome is not known: ask again, or find what was made, or prove absence."""

from dataclasses import dataclass

from paidonce.domain.errors import FailureStored, OutcomeUnknown, StripeRefused
from paidonce.domain.ownership import ATTEMPT_MARK, PAYMENT_MARK, STAGE_MARK
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import (
    NEVER_MADE,
    creation_call,
    is_complete,
    resource_of,
    with_canceled_creation,
    with_next_attempt,
)
from paidonce.domain.rulebook import Verdict
from paidonce.domain.stripe_call import StripeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.stripe_ports import StripeGateway

# Stripe's word for a key that came before with another request: it says nothing about ours.
_OTHER_REQUEST = "idempotency_error"


@dataclass(frozen=True, kw_only=True)
class EndCreate:
    """What `run_operation` does about a payment without an intent.

    `look_back_seconds`: a list of what was made begins that long before the first try and ends that
    long after the last. `absent_after_seconds`: what is not listed that long after the last try was
    not made.
    """

    gateway: StripeGateway
    note_try: NoteTry
    note_answer: NoteAnswer
    clock: Clock
    telemetry: Telemetry
    look_back_seconds: int
    absent_after_seconds: int

    def __call__(self, payment: Payment, *, correlation_id: str, time_left: TimeLeft) -> Payment:
        """The payment with its intent, or canceled, or with its next attempt still to be made.

        Raises OutcomeUnknown while none of these is certain, and what the gateway raises.
        """
        if is_complete(payment):
            return payment
        call = creation_call(payment)
        if payment.cancel_requested and call.last_tried_at is None:
            # Nobody has asked Stripe yet, and nobody can from here on: the attempt rises.
            return self._given_up(payment, call, correlation_id)
        if self.note_try.may_send(call):
            return self._sent(payment, call, correlation_id=correlation_id, time_left=time_left)
        found = self._found(payment, call, time_left)
        if found is not None:
            # A list does not tell when it was true; a reading of its own does.
            look = self.gateway.get(resource_of(call), found, time_left=time_left)
            self.telemetry.count("CreationsAdopted")
            return self.note_answer(payment, look, correlation_id=correlation_id)
        if int(self.clock.now()) - (call.last_tried_at or 0) < self.absent_after_seconds:
            raise OutcomeUnknown(f"the intent of {payment.id} may still come to be listed")
        return self._given_up(payment, call, correlation_id)

    def _sent(
        self, payment: Payment, call: StripeCall, *, correlation_id: str, time_left: TimeLeft
    ) -> Payment:
        """The same request under the same key: what was made is answered again."""
        tried = self.note_try.creation(payment)
        if is_complete(tried) or tried.creation.idempotency_key != call.idempotency_key:
            return tried
        try:
            answer = self.gateway.send(creation_call(tried), time_left=time_left)
        except FailureStored:
            self.note_try.spent(tried, call.idempotency_key)
            raise
        except StripeRefused as error:
            if error.stripe_code == _OTHER_REQUEST:
                raise
            # Had the key made something, it would have been answered again. Its ledger row is final
            # now: whoever asks again needs the next one, or what is made then could not be noted.
            ended = self._given_up(tried, call, correlation_id, reason=error.code)
            if not tried.cancel_requested:
                raise
            return ended
        return self.note_answer(tried, answer, correlation_id=correlation_id)

    def _found(self, payment: Payment, call: StripeCall, time_left: TimeLeft) -> str | None:
        """The id of the intent that carries this attempt's marks."""
        first, last = call.first_tried_at or 0, call.last_tried_at or 0
        marks = {
            STAGE_MARK: self.note_answer.stage.name,
            PAYMENT_MARK: payment.id,
            ATTEMPT_MARK: str(payment.creation.attempt),
        }
        listed = self.gateway.listed(
            resource_of(call),
            created_from=first - self.look_back_seconds,
            created_to=last + self.look_back_seconds,
            time_left=time_left,
        )
        for intent in listed:
            if marks.items() <= intent.get("metadata", {}).items():
                return str(intent["id"])
        return None

    def _given_up(
        self,
        payment: Payment,
        call: StripeCall,
        correlation_id: str,
        *,
        reason: str = NEVER_MADE,
    ) -> Payment:
        """It made nothing: canceled if that is wanted, otherwise the next attempt.

        Written only over the row that the proof was made for: a try since then has changed it.
        """

        def decide(row: Payment) -> Verdict[Payment]:
            if row.version != payment.version:
                raise OutcomeUnknown(f"{payment.id} was tried again meanwhile")
            ended = with_canceled_creation if row.cancel_requested else with_next_attempt
            return Verdict(after=ended(row), reason=reason)

        self.telemetry.count("CreationsNeverMade")
        return self.note_answer.decided(payment, call, decide, correlation_id=correlation_id)
