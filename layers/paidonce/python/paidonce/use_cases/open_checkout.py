"""Open Stripe's own page for an order: the payment is recorded first, the URL is never kept."""

from dataclasses import dataclass
from typing import Any

from paidonce.domain.checkout_request import CheckoutRequest
from paidonce.domain.errors import (
    FailureStored,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StateConflict,
    TryAgain,
)
from paidonce.domain.payment import Band, Payment
from paidonce.domain.payment_calls import creation_call
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.open_portal import Session
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import StripeGateway
from paidonce.use_cases.take_payment import How, TakePayment


@dataclass(frozen=True, kw_only=True)
class OpenCheckout:
    """The verb behind POST /checkout-sessions; it records as POST /payments does."""

    take_payment: TakePayment
    gateway: StripeGateway

    def __call__(
        self, wanted: CheckoutRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> Session:
        """The page of this order.

        Raises what `TakePayment` raises, and StateConflict once the page is over.
        """
        take = self.take_payment
        take.within_rate(wanted.caller)
        take.check_key()
        payment, how = take.opened(wanted, correlation_id=correlation_id, time_left=time_left)
        if payment.status.band is not Band.OPEN:
            raise StateConflict(f"The payment is {payment.status.value}: nothing is left to pay.")
        ended = Ended.MADE if payment.checkout_session_id is None else Ended.REPEATED
        if how is How.SAME_ORDER:
            ended = Ended.SAME_USER
        try:
            page = self._page(payment, correlation_id=correlation_id, time_left=time_left)
        except OutcomeUnknown as error:
            key = payment.creation.idempotency_key
            take.defer(payment, key, error, correlation_id=correlation_id)
            return Session(how=Ended.NOT_KNOWN_YET)
        url = page.get("url")
        if not isinstance(url, str):
            raise StateConflict("The page is over: it was paid on, or has expired.")
        return Session(how=ended, id=page["id"], url=url)

    def _page(
        self, payment: Payment, *, correlation_id: str, time_left: TimeLeft
    ) -> dict[str, Any]:
        """The session, just made or as it is now."""
        take = self.take_payment
        if payment.checkout_session_id is None:
            if payment.cancel_requested:
                raise OutcomeUnknown(f"{payment.id} is being canceled")
            payment = take.note_try.creation(payment)
        session_id = payment.checkout_session_id
        if session_id is not None:
            return self._seen_now(session_id, time_left)
        if not take.note_try.may_send(creation_call(payment)):
            # Events have told of the intent, nobody of the page: a second one must not be made.
            raise OutcomeUnknown(f"the page of {payment.id} is not known any more")
        try:
            answer = self.gateway.send(creation_call(payment), time_left=time_left)
        except FailureStored:
            take.note_try.spent(payment, payment.creation.idempotency_key)
            raise
        noted = take.note_answer(payment, answer, correlation_id=correlation_id)
        if answer.replayed and noted.checkout_session_id is not None:
            return self._seen_now(noted.checkout_session_id, time_left)
        return dict(answer.seen.object)

    def _seen_now(self, session_id: str, time_left: TimeLeft) -> dict[str, Any]:
        """What is made but cannot be shown is one to ask for again, too."""
        try:
            found = self.gateway.get("checkout.session", session_id, time_left=time_left)
        except (KeyRefused, NotConfigured):
            raise
        except TryAgain as error:
            raise OutcomeUnknown(f"{session_id} cannot be read now") from error
        return dict(found.seen.object)
