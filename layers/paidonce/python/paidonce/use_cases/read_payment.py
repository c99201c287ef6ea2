"""Show payments to those who may see them, and the secret with which a browser confirms one."""

from dataclasses import dataclass

from paidonce.domain.caller import Caller
from paidonce.domain.errors import NotFound, OutcomeUnknown, StateConflict
from paidonce.domain.payment import Band, Payment
from paidonce.domain.payment_request import order_claim
from paidonce.use_cases.ports import PaymentBooks, TimeLeft
from paidonce.use_cases.stripe_ports import PaymentGateway


@dataclass(frozen=True, kw_only=True)
class ReadPayment:
    """Consistent reads of single items; what is another's is not there."""

    payments: PaymentBooks
    gateway: PaymentGateway

    def one(self, payment_id: str, *, caller: Caller) -> Payment:
        """The payment; raises NotFound, TryAgain."""
        # The table holds more than payments: a caller names nothing else in it.
        found = self.payments.get(payment_id) if payment_id.startswith("pay_") else None
        if found is None or not caller.sees(found.user_id):
            raise NotFound("There is no such payment.")
        return found

    def of_order(
        self, order_id: str, *, caller: Caller, user_id: str | None = None
    ) -> tuple[Payment, ...]:
        """The payment that holds the order's claim, the caller's own or (payments:any) a user's.

        A canceled payment whose order was asked for anew is not among them. Raises Forbidden.
        """
        owner = caller.user_for(user_id)
        claim = order_claim(owner=caller.subject if owner is None else owner, order_id=order_id)
        payment_id = self.payments.claimed_by(claim)
        found = self.payments.get(payment_id) if payment_id else None
        return (found,) if found and caller.sees(found.user_id) else ()

    def client_secret(self, payment_id: str, *, caller: Caller, time_left: TimeLeft) -> str:
        """Read at Stripe every time, while the payment is open; it is never stored.

        Raises NotFound, StateConflict, and what the gateway's `intent` raises.
        """
        payment = self.one(payment_id, caller=caller)
        if payment.status.band is not Band.OPEN:
            raise StateConflict(
                f"The payment is {payment.status.value}: nothing is left to confirm."
            )
        if payment.payment_intent_id is None:
            raise StateConflict("Stripe has not answered yet: send the same POST /payments again.")
        return read_secret(self.gateway, payment.payment_intent_id, time_left=time_left)


def read_secret(gateway: PaymentGateway, intent_id: str, *, time_left: TimeLeft) -> str:
    """An intent's client secret, by a GET; raises OutcomeUnknown where the answer has none."""
    secret = gateway.intent(intent_id, time_left=time_left).seen.object.get("client_secret")
    if not isinstance(secret, str):
        raise OutcomeUnknown(f"{intent_id} was answered without a secret")
    return secret
