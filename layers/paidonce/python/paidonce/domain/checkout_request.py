"""A payment that is made on Stripe's own page: the request, and the session that it asks for."""

from dataclasses import asdict, dataclass, replace

from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import (
    ATTEMPT_MARK,
    CORRELATION_MARK,
    ORDER_MARK,
    PAYMENT_MARK,
    STAGE_MARK,
    USER_MARK,
)
from paidonce.domain.payment import SESSIONS_PATH, Payment
from paidonce.domain.payment_request import PaymentRequest

_ROUTE = "POST /checkout-sessions"


@dataclass(frozen=True, kw_only=True)
class CheckoutRequest(PaymentRequest):
    """A payment's request, with where the page leads back to. It always has `items`."""

    success_url: str
    cancel_url: str

    @property
    def payment_id(self) -> str:
        """Ours, the same for every repeat of this route."""
        caller = self.caller
        name = fingerprint(caller.issuer, caller.subject, _ROUTE, self.idempotency_key)
        return f"pay_{name[:32]}"

    @property
    def content_hash(self) -> str:
        """Never that of a payment with an intent of its own: an order is paid in one way."""
        amount, items = self.amount, [asdict(item) for item in self.items]
        return fingerprint(
            "checkout", self.order_id, amount.minor, amount.currency, self.user_id, items
        )

    def recorded(self, *, stage: str, at: str, correlation_id: str) -> Payment:
        """The payment as it is written before Stripe is asked for the session.

        https://docs.stripe.com/api/checkout/sessions/create
        """
        payment = super().recorded(stage=stage, at=at, correlation_id=correlation_id)
        marks = {
            STAGE_MARK: stage,
            PAYMENT_MARK: self.payment_id,
            ORDER_MARK: self.order_id,
            ATTEMPT_MARK: str(payment.creation.attempt),
            CORRELATION_MARK: correlation_id,
            **({USER_MARK: self.user_id} if self.user_id else {}),
        }
        params = {
            "mode": "payment",
            "line_items": [{"price": item.price, "quantity": item.quantity} for item in self.items],
            "success_url": self.success_url,
            "cancel_url": self.cancel_url,
            "client_reference_id": self.payment_id,
            # In another currency than the prices' the amount would not be the one recorded.
            "adaptive_pricing": {"enabled": False},
            "metadata": marks,
            # By these marks the intent's events find the payment.
            "payment_intent_data": {"metadata": marks},
        }
        creation = replace(payment.creation, params=params, path=SESSIONS_PATH)
        return replace(payment, creation=creation)
