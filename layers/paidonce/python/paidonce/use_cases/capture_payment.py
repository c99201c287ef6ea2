"""Capture a payment that was only authorised, whole or in part."""

from dataclasses import dataclass

from paidonce.domain.errors import InvalidRequest, StateConflict
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.payment_calls import CAPTURE, is_wanted, new_call
from paidonce.use_cases.change_payment import Asked, Changed, ChangePayment
from paidonce.use_cases.ports import TimeLeft


@dataclass(frozen=True, kw_only=True)
class CapturePayment:
    """The verb behind POST /payments/{id}/capture.

    https://docs.stripe.com/api/payment_intents/capture: what is not captured is released.
    """

    change_payment: ChangePayment

    def __call__(
        self,
        asked: Asked,
        *,
        amount_minor: int | None = None,
        correlation_id: str,
        time_left: TimeLeft,
    ) -> Changed:
        """Capture this amount, or all; Stripe's event makes the payment `paid`.

        Raises InvalidRequest for more than was authorised, and what `ChangePayment` raises.
        """

        def prepare(payment: Payment) -> Payment | None:
            return _prepared(payment, asked, amount_minor)

        return self.change_payment(
            asked, prepare, correlation_id=correlation_id, time_left=time_left
        )


def _prepared(payment: Payment, asked: Asked, amount_minor: int | None) -> Payment | None:
    if payment.capture != "manual":
        raise StateConflict("This payment is captured by itself: it was asked for that way.")
    if amount_minor is not None and amount_minor > payment.money.minor:
        raise InvalidRequest(
            "More than was authorised cannot be captured.",
            fields={"amount_minor": f"must be at most {payment.money.minor}"},
        )
    amount = payment.money.minor if amount_minor is None else amount_minor
    call = new_call(
        payment,
        CAPTURE,
        {"amount_to_capture": amount},
        caller_key=asked.caller_key,
        body_hash=asked.body_hash,
    )
    if is_wanted(payment, call):
        return None
    over = (PaymentStatus.PAID, PaymentStatus.CANCELED)
    if payment.status in over or payment.payment_intent_id is None:
        raise StateConflict(f"The payment is {payment.status.value}: there is nothing to capture.")
    return payment.with_call(call)
