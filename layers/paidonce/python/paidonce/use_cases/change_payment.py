"""Change a payment by one call to Stripe: what capture and cancel do alike.

Record first, call second, note third. A repeat of the caller's key finds its call in the row and
goes on with it; a repeat after the end is answered from the row.
"""

from collections.abc import Callable
from dataclasses import dataclass

from paidonce.domain import decline
from paidonce.domain.caller import Caller
from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    IdempotencyConflict,
    NotFound,
    OutcomeUnknown,
    Rejected,
    StateConflict,
    StripeRefused,
)
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import call_of, call_under, is_wanted
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.make_call import MakeCall
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.ports import Clock, PaymentBooks, TimeLeft


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a caller asks about one payment.

    `caller_key` is the hash of their key (iss, sub, method, path, Idempotency-Key), `body_hash` of
    the body.
    """

    payment_id: str
    caller: Caller
    caller_key: str
    body_hash: str


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The payment as its row stands. `is_known`: the outcome is. `is_repeat`: it was before."""

    payment: Payment
    is_known: bool = True
    is_repeat: bool = False


# The payment with the call to make (as `call_of` finds it), or None where it stands as wanted.
Prepare = Callable[[Payment], Payment | None]


@dataclass(frozen=True, kw_only=True)
class ChangePayment:
    """`check_key` raises NotConfigured while the key's secret holds its placeholder."""

    payments: PaymentBooks
    make_call: MakeCall
    defer: Defer
    clock: Clock
    jitter: Callable[[], float]
    check_key: Callable[[], object]

    def __call__(
        self, asked: Asked, prepare: Prepare, *, correlation_id: str, time_left: TimeLeft
    ) -> Changed:
        """Record the call that `prepare` adds, make it, and tell what became of it.

        Raises NotFound, IdempotencyConflict, StateConflict, CardDeclined, StripeRefused,
        NotConfigured, KeyRefused, and TryAgain where not even the record could be written.
        """
        self.check_key()
        payment, call, is_repeat = self._recorded(asked, prepare)
        if call is None:
            return Changed(payment=payment)
        key = call.idempotency_key
        try:
            payment = self.make_call(
                payment, key, correlation_id=correlation_id, time_left=time_left
            )
        except OutcomeUnknown as error:
            self.defer(payment, key, error, correlation_id=correlation_id)
            return Changed(payment=payment, is_known=False)
        ended = call_under(payment, key)
        was_ended = is_repeat and call.state is not CallState.OPEN
        refusal = _refusal(payment, ended) if ended else None
        if refusal is not None:
            refusal.is_repeat = was_ended
            raise refusal
        return Changed(payment=payment, is_repeat=was_ended)

    def _recorded(self, asked: Asked, prepare: Prepare) -> tuple[Payment, StripeCall | None, bool]:
        """The row with the caller's call in it, old or new; no call where none is needed."""
        for _ in range(ROUNDS_MAX):
            payment = self._visible(asked)
            call = call_of(payment, asked.caller_key)
            if call is not None:
                if call.body_hash != asked.body_hash:
                    raise IdempotencyConflict("This Idempotency-Key came before with another body.")
                return payment, call, True
            prepared = prepare(payment)
            if prepared is None:
                return payment, None, False
            after = prepared.written(at=payment.updated_at)
            try:
                self.payments.save(payment, after)
            except ChangedMeanwhile:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
            else:
                return after, call_of(after, asked.caller_key), False
        raise ChangedMeanwhile(f"{asked.payment_id} met {ROUNDS_MAX} conflicts")

    def _visible(self, asked: Asked) -> Payment:
        # The table holds more than payments: a caller names nothing else in it.
        is_payment = asked.payment_id.startswith("pay_")
        found = self.payments.get(asked.payment_id) if is_payment else None
        if found is None or not asked.caller.sees(found.user_id):
            raise NotFound("There is no such payment.")
        return found


def _refusal(payment: Payment, call: StripeCall) -> Rejected | None:
    """What the caller hears of a call that Stripe refused; nothing where all is as they wanted."""
    if call.state is not CallState.REFUSED or is_wanted(payment, call):
        return None
    if call.refusal == CardDeclined.code:
        return CardDeclined(
            decline.message_for(code=call.stripe_code, decline_code=call.decline_code),
            stripe_code=call.stripe_code,
            decline_code=call.decline_code,
        )
    if call.refusal == StripeRefused.code:
        return StripeRefused(f"Stripe refused {call.kind}", stripe_code=call.stripe_code)
    return StateConflict(f"The payment is {payment.status.value}: it does not take a {call.kind}.")
