"""Note that a call is about to be made, so that whoever comes after a crash knows of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from paidonce.domain.errors import ChangedMeanwhile, OutcomeUnknown, TryAgain
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import aimed, call_under, creation_call, is_complete
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.ports import Clock, PaymentBooks, Telemetry


@dataclass(frozen=True, kw_only=True)
class NoteTry:
    """Writes tries, and keys that are spent.

    `key_fresh_seconds`: Stripe may forget a key after 24 hours, and the same request would then do
    the same thing again; less leaves room for clocks and for the call itself (design 3.5).
    """

    payments: PaymentBooks
    clock: Clock
    telemetry: Telemetry
    jitter: Callable[[], float]
    key_fresh_seconds: int

    def may_send(self, call: StripeCall) -> bool:
        """True while the call's own key is certain to mean this call at Stripe."""
        return call.may_be_sent(at=int(self.clock.now()), key_fresh_seconds=self.key_fresh_seconds)

    def creation(self, payment: Payment) -> Payment:
        """The row with the try of its creation noted, or as it is once nothing is left to create.

        Raises OutcomeUnknown where the key may not be sent any more and after five conflicts.
        """
        for _ in range(ROUNDS_MAX):
            if is_complete(payment):
                return payment
            if not self.may_send(creation_call(payment)):
                self.telemetry.count("CreationsTooOld")
                raise OutcomeUnknown(f"the key of {payment.id} is spent, or forgotten at Stripe")
            try:
                return self.payments.note_try(payment, at=int(self.clock.now()))
            except ChangedMeanwhile:
                payment = self._again(payment)
        raise OutcomeUnknown(f"{payment.id} met {ROUNDS_MAX} conflicts")

    def call(self, payment: Payment, idempotency_key: str) -> tuple[Payment, StripeCall]:
        """The row with the try of a call noted, and that call; one that has ended is left alone.

        Raises OutcomeUnknown where the key may not be sent any more, the intent is not known yet,
        and after five conflicts.
        """
        for _ in range(ROUNDS_MAX):
            call = _standing(payment, idempotency_key)
            if call.state is not CallState.OPEN:
                return payment, call
            if not self.may_send(call):
                raise OutcomeUnknown(f"the key {idempotency_key} is spent, or forgotten at Stripe")
            target = aimed(payment, call)
            if target is None:
                raise OutcomeUnknown(f"the intent of {payment.id} is not known yet")
            tried = target.tried(at=int(self.clock.now()))
            after = payment.with_call(tried).written(at=payment.updated_at)
            try:
                self.payments.save(payment, after)
            except ChangedMeanwhile:
                payment = self._again(payment)
            else:
                return after, tried
        raise OutcomeUnknown(f"{payment.id} met {ROUNDS_MAX} conflicts")

    def spent(self, payment: Payment, idempotency_key: str) -> None:
        """Write that a key only gives a stored failure; where that fails, the next try learns it.

        Nothing is raised: the outcome is unknown either way, and that is what the caller must hear.
        """
        for _ in range(ROUNDS_MAX):
            try:
                self.payments.save(payment, _with_spent(payment, idempotency_key))
            except ChangedMeanwhile:
                payment = self._again(payment)
            except TryAgain as error:
                self.telemetry.fault("spent key not noted", error, payment_id=payment.id)
                return
            else:
                return

    def _again(self, payment: Payment) -> Payment:
        self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
        return self.payments.get(payment.id) or payment


def _standing(payment: Payment, idempotency_key: str) -> StripeCall:
    call = call_under(payment, idempotency_key)
    if call is None:
        raise LookupError(f"{idempotency_key} does not stand in {payment.id}")
    return call


def _with_spent(payment: Payment, idempotency_key: str) -> Payment:
    creation = payment.creation
    call = call_under(payment, idempotency_key)
    if call is not None:
        changed = payment.with_call(call.spent())
    elif creation.idempotency_key == idempotency_key:
        changed = replace(payment, creation=replace(creation, is_spent=True))
    else:
        changed = payment  # another attempt by now: its key is fresh
    return changed.written(at=payment.updated_at)
