"""A refund that nobody asked for but the card's network: what an early fraud warning leads to.

Most warned payments are disputed later, and a dispute costs more than the refund:
https://docs.stripe.com/disputes/prevention/fraud-warnings
"""

from dataclasses import dataclass

from paidonce.domain.announcement import Announcement
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.notice import amount
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.refund_request import (
    FRAUD_KEY,
    REFUND,
    amount_to_refund,
    fraud_key,
    refund_params,
)
from paidonce.domain.stripe_call import StripeCall

# Stripe's word; it also puts the card on the account's block list.
_REASON = "fraudulent"


@dataclass(frozen=True, kw_only=True)
class FraudRefund:
    """The refund of one warning; its names are made from the warning's id, so it is made once.

    `charge_id` is None where the warning names none. `is_actionable`: neither disputed nor wholly
    refunded yet.
    """

    payment_id: str
    warning_id: str
    charge_id: str | None
    is_actionable: bool

    @classmethod
    def of(cls, told: Announcement) -> "FraudRefund":
        """What a `fraud.warned` asks for; raises InvalidRequest where it tells of no warning."""
        warning = told.object.get("fraud_warning")
        if not isinstance(warning, dict) or not warning.get("id"):
            raise InvalidRequest("the domain event has no fraud warning")
        return cls(
            payment_id=told.object["id"],
            warning_id=warning["id"],
            charge_id=warning.get("charge"),
            is_actionable=warning.get("actionable") is True,
        )

    @property
    def once(self) -> str:
        """What is answered once: the warning, while there is something to do about it."""
        return f"{self.warning_id}.{'actionable' if self.is_actionable else 'settled'}"

    @property
    def refund_id(self) -> str:
        """Ours, the same for every repeat of the warning."""
        return f"ref_{fingerprint(FRAUD_KEY, self.warning_id)[:32]}"

    def left_to_people(self, payment: Payment, *, up_to_minor: int) -> str | None:
        """Why a person must decide, as a sentence; None where we may refund, or nothing is left.

        `up_to_minor`: more than this of any currency is never refunded unasked, 0 is nothing.
        """
        if up_to_minor == 0:
            return "This stage refunds nothing by itself."
        if self.charge_id not in (None, payment.charge_id):
            return "The warning is about another charge than the payment's."
        if payment.status is not PaymentStatus.PAID or payment.charge_id is None:
            return f"The payment is {payment.status.value}."
        left = payment.refundable_minor
        if left > up_to_minor:
            currency = payment.money.currency
            allowed = amount(up_to_minor, currency)
            return f"{amount(left, currency)} is more than the {allowed} that we refund unasked."
        return None

    def reserved(self, payment: Payment, *, stage: str, correlation_id: str | None) -> Payment:
        """The payment with all that is left reserved for this refund; `run_operation` makes it.

        Raises StateConflict when nothing can be refunded.
        """
        refunded = amount_to_refund(payment, None)
        call = StripeCall(
            kind=REFUND,
            idempotency_key=fraud_key(self.warning_id, attempt=1),
            path="/v1/refunds",
            params=refund_params(
                payment,
                refund_id=self.refund_id,
                amount_minor=refunded,
                reason=_REASON,
                stage=stage,
                correlation_id=correlation_id,
            ),
        )
        return payment.with_refund(
            Refund(
                id=self.refund_id,
                amount_minor=refunded,
                status=RefundStatus.RESERVED,
                reason=_REASON,
                call=call,
            )
        )
