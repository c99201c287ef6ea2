"""Cancel a payment that is not paid: its order may then be asked for anew."""

from dataclasses import dataclass

from paidonce.domain.errors import StateConflict
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CANCEL, new_call
from paidonce.use_cases.change_payment import Asked, Changed, ChangePayment
from paidonce.use_cases.ports import TimeLeft


@dataclass(frozen=True, kw_only=True)
class CancelPayment:
    """The verb behind POST /payments/{id}/cancel.

    https://docs.stripe.com/api/payment_intents/cancel
    """

    change_payment: ChangePayment

    def __call__(
        self,
        asked: Asked,
        *,
        reason: str | None = None,
        correlation_id: str,
        time_left: TimeLeft,
    ) -> Changed:
        """Cancel it; `reason` is one of Stripe's.

        While the intent is not known the wish alone is recorded and `run_operation` sees to it: it
        ends the creation first. Raises what `ChangePayment` raises.
        """

        def prepare(payment: Payment) -> Payment | None:
            return _prepared(payment, asked, reason)

        return self.change_payment(
            asked, prepare, correlation_id=correlation_id, time_left=time_left
        )


def _prepared(payment: Payment, asked: Asked, reason: str | None) -> Payment | None:
    if payment.status is PaymentStatus.CANCELED:
        return None
    if payment.status is PaymentStatus.PAID:
        raise StateConflict("The payment is paid: refund it instead.")
    call = new_call(
        payment,
        CANCEL,
        {} if reason is None else {"cancellation_reason": reason},
        caller_key=asked.caller_key,
        body_hash=asked.body_hash,
    )
    return payment.with_call(call).canceling()
