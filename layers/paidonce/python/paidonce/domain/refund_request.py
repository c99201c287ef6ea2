"""What a caller asks for when they ask for a refund, and what is written before Stripe is asked.

Every name is made from the request alone, so a repeat after any crash finds what was begun.
"""

from dataclasses import dataclass, replace
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.errors import StateConflict
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import CORRELATION_MARK, PAYMENT_MARK, REFUND_MARK, STAGE_MARK
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.stripe_call import StripeCall

REFUND = "refund"
# A payment's row holds its refunds; more than this is no shop's work, and the row must stay small.
REFUNDS_MAX = 100

_ROUTE = "POST /refunds"
# `<charge id>_r<n>`, and of a fraud refund `efw_<warning id>_a<attempt>` (design 3.3).
_NUMBER = "_r"
FRAUD_KEY = "efw_"
_ATTEMPT = "_a"


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """One request for a refund, checked. Without an amount it asks for all that is left.

    `body_hash` names the body as it was sent; `reason` is one of Stripe's list.
    """

    caller: Caller
    idempotency_key: str
    body_hash: str
    payment_id: str
    amount_minor: int | None = None
    reason: str | None = None

    @property
    def caller_key(self) -> str:
        """The caller, the route and their key."""
        caller = self.caller
        return fingerprint(caller.issuer, caller.subject, _ROUTE, self.idempotency_key)

    @property
    def refund_id(self) -> str:
        """Ours, the same for every repeat: 128 bits of `caller_key`."""
        return f"ref_{self.caller_key[:32]}"

    def reserved(self, payment: Payment, *, stage: str, at: int, correlation_id: str) -> Payment:
        """The payment with this refund in it, whose call is about to be made (`at`, seconds).

        Raises StateConflict with a sentence when the payment has not that much left.
        """
        amount = amount_to_refund(payment, self.amount_minor)
        call = StripeCall(
            kind=REFUND,
            idempotency_key=_next_key(payment),
            path="/v1/refunds",
            params=refund_params(
                payment,
                refund_id=self.refund_id,
                amount_minor=amount,
                reason=self.reason,
                stage=stage,
                correlation_id=correlation_id,
            ),
            caller_key=self.caller_key,
            body_hash=self.body_hash,
        )
        return payment.with_refund(
            Refund(
                id=self.refund_id,
                amount_minor=amount,
                status=RefundStatus.RESERVED,
                reason=self.reason,
                call=call.tried(at=at),
            )
        )


def amount_to_refund(payment: Payment, asked_minor: int | None) -> int:
    """What a refund takes of a payment; without an amount, all that is left.

    Raises StateConflict with a sentence when the payment has not that much left.
    """
    if payment.status is not PaymentStatus.PAID or payment.charge_id is None:
        raise StateConflict(f"The payment is {payment.status.value}: nothing can be refunded.")
    if len(payment.refunds) >= REFUNDS_MAX:
        raise StateConflict(f"The payment has {REFUNDS_MAX} refunds: that is the limit.")
    left = payment.refundable_minor
    if left == 0:
        raise StateConflict("Nothing is left to refund: all of it is, or is being, refunded.")
    amount = left if asked_minor is None else asked_minor
    if amount > left:
        raise StateConflict(
            f"Only {left} minor units of {payment.money.currency} are left to refund."
        )
    return amount


def refund_params(
    payment: Payment,
    *,
    refund_id: str,
    amount_minor: int,
    reason: str | None,
    stage: str,
    correlation_id: str | None,
) -> dict[str, Any]:
    """https://docs.stripe.com/api/refunds/create, with our marks (design 2.2)."""
    marks = {STAGE_MARK: stage, PAYMENT_MARK: payment.id, REFUND_MARK: refund_id}
    return {
        "charge": payment.charge_id,
        "amount": amount_minor,
        "metadata": marks | ({CORRELATION_MARK: correlation_id} if correlation_id else {}),
    } | ({"reason": reason} if reason else {})


def with_next_key(payment: Payment, refund: Refund, call: StripeCall) -> Payment:
    """The same refund under the next key, once it is proven that the last one made nothing."""
    again = replace(
        call,
        idempotency_key=_key_after(payment, call),
        first_tried_at=None,
        last_tried_at=None,
        is_spent=False,
    )
    return payment.with_refund(replace(refund, call=again))


def fraud_key(warning_id: str, *, attempt: int) -> str:
    """The key of a fraud refund: a warning has one refund, whose attempts are counted."""
    return f"{FRAUD_KEY}{warning_id}{_ATTEMPT}{attempt}"


def _key_after(payment: Payment, call: StripeCall) -> str:
    start, _, number = call.idempotency_key.rpartition(_ATTEMPT)
    if start.startswith(FRAUD_KEY):
        return fraud_key(start.removeprefix(FRAUD_KEY), attempt=int(number) + 1)
    return _next_key(payment)


def _next_key(payment: Payment) -> str:
    """Numbers are used once: the highest of a row never goes down."""
    start = f"{payment.charge_id}{_NUMBER}"
    keys = [r.call.idempotency_key for r in payment.refunds if r.call]
    numbers = [int(key.removeprefix(start)) for key in keys if key.startswith(start)]
    return f"{start}{max(numbers, default=0) + 1}"


# Stripe's words for "the charge's state does not allow this refund", told to the caller.
# https://docs.stripe.com/error-codes
_SENTENCES = {
    "charge_already_refunded": "Stripe has refunded this charge already.",
    "charge_disputed": "The charge is disputed: the money goes back through the dispute.",
    "refund_disputed_payment": "The charge is disputed: the money goes back through the dispute.",
    "charge_not_refundable": "Stripe cannot refund this charge.",
    "payment_intent_unexpected_state": "Stripe cannot refund this charge.",
    "balance_insufficient": "The Stripe balance does not cover this refund.",
    "insufficient_funds": "The Stripe balance does not cover this refund.",
    "amount_too_large": "Stripe has less left to refund than that.",
}
REFUSED_BY_STATE = frozenset(_SENTENCES)


def sentence_for(stripe_code: str | None) -> str:
    """Why Stripe refused a refund, for the caller; raises KeyError for a code that is our bug."""
    return _SENTENCES[stripe_code or ""]
