"""Take a payment: record it first, call Stripe second, note the answer third.

Every step can be repeated after a crash at any line, by the same request or by another one for the
same order: it finds the row, and makes the call that is missing with the key that stands in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from paidonce.domain.caller import ANY_PAYMENT, Caller
from paidonce.domain.errors import (
    FailureStored,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    OrderInProgress,
    OutcomeUnknown,
    SlowDown,
    TryAgain,
)
from paidonce.domain.moment import iso
from paidonce.domain.money import Money
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Band, Payment
from paidonce.domain.payment_calls import is_complete
from paidonce.domain.payment_request import PaymentRequest
from paidonce.domain.price import Item
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.ports import Clock, Counter, OrderTaken, PaymentBooks, Telemetry, TimeLeft
from paidonce.use_cases.read_payment import read_secret
from paidonce.use_cases.stripe_ports import PaymentGateway

# The setting operations.key_fresh_seconds of prod, for calls that are not given it.
KEY_IS_FRESH_SECONDS = 23 * 3600
_MINUTE_SECONDS = 60


class How(Enum):
    """How a request for a payment ended."""

    MADE = "made"
    REPEATED = "repeated"  # the same key, and all was done before
    SAME_ORDER = "same_order"  # another key for an order that has its payment
    NOT_KNOWN_YET = "not_known_yet"  # Stripe may or may not have done it


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The payment as its row stands; the secret only while there is something to confirm."""

    payment: Payment
    how: How
    client_secret: str | None = None


class SumUp(Protocol):
    """What items come to, by prices that the server knows (`LookUpPrices.total`)."""

    def __call__(self, items: Sequence[Item], *, time_left: TimeLeft) -> Money:
        """Raises InvalidRequest, TryAgain, KeyRefused, NotConfigured."""
        ...


@dataclass(frozen=True, kw_only=True)
class TakePayment:
    """The verb behind POST /payments.

    `check_key` raises NotConfigured while the key's secret holds its placeholder.
    """

    payments: PaymentBooks
    gateway: PaymentGateway
    sum_up: SumUp
    note_try: NoteTry
    note_answer: NoteAnswer
    defer: Defer
    counter: Counter
    clock: Clock
    telemetry: Telemetry
    stage: Stage
    check_key: Callable[[], object]
    shopper_payments_per_minute: int

    def __call__(
        self, request: PaymentRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> Taken:
        """The payment of this request, or of its order.

        Raises SlowDown, NotConfigured, KeyRefused, InvalidRequest (prices that cannot be charged),
        IdempotencyConflict, OrderInProgress, StripeRefused, and TryAgain where not even the record
        could be written.
        """
        self.within_rate(request.caller)
        # Before the first write: a stage without a key leaves no trace of what it cannot do.
        self.check_key()
        payment, how = self.opened(request, correlation_id=correlation_id, time_left=time_left)
        try:
            return self._gone_on(payment, how, correlation_id=correlation_id, time_left=time_left)
        except OutcomeUnknown as error:
            key = payment.creation.idempotency_key
            self.defer(payment, key, error, correlation_id=correlation_id)
            return Taken(payment=payment, how=How.NOT_KNOWN_YET)

    def within_rate(self, caller: Caller) -> None:
        """Card testers find open payment APIs within days; a shop's own server is not held back."""
        if caller.may(ANY_PAYMENT):
            return
        minute, second = divmod(int(self.clock.now()), _MINUTE_SECONDS)
        if not self.counter.take(
            f"rate#{caller.fingerprint}#{minute}",
            limit=self.shopper_payments_per_minute,
            lasts_seconds=2 * _MINUTE_SECONDS,
        ):
            self.telemetry.count("ShoppersSlowed")
            raise SlowDown(
                "That is more payments than a shopper makes in a minute.",
                retry_after_seconds=_MINUTE_SECONDS - second,
            )

    def opened(
        self, request: PaymentRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> tuple[Payment, How]:
        """The row of this request: new, of the same key before, or of the same order."""
        if request.money is None:
            # A repeat goes on with what was recorded, whatever the prices are today.
            if (stands := self.payments.get(request.payment_id)) is not None:
                return _repeated(stands, request)
            request = request.priced(self.sum_up(request.items, time_left=time_left))
        new = request.recorded(
            stage=self.stage.name, at=iso(self.clock.now()), correlation_id=correlation_id
        )
        try:
            payment = self.payments.open(new, claim_id=request.claim_id)
        except OrderTaken as taken:
            if taken.payment.creation.content_hash != new.creation.content_hash:
                raise OrderInProgress(
                    "This order has another payment. Cancel it first, then use a new key."
                ) from taken
            return taken.payment, How.SAME_ORDER
        return _repeated(payment, request)

    def _gone_on(
        self, payment: Payment, how: How, *, correlation_id: str, time_left: TimeLeft
    ) -> Taken:
        """From wherever the row stands to an answer."""
        made_now = None
        if not is_complete(payment):
            payment, made_now = self._made(
                payment, correlation_id=correlation_id, time_left=time_left
            )
        if payment.status.band is not Band.OPEN:
            return Taken(payment=payment, how=how)
        if payment.payment_intent_id is None:
            raise OutcomeUnknown(f"the intent that was answered is not {payment.id}'s")
        secret = made_now or self._secret_of(payment.payment_intent_id, time_left)
        return Taken(payment=payment, how=how, client_secret=secret)

    def _secret_of(self, intent_id: str, time_left: TimeLeft) -> str:
        """A payment that is made but cannot be shown whole is one to ask for again, too."""
        try:
            return read_secret(self.gateway, intent_id, time_left=time_left)
        except (KeyRefused, NotConfigured):
            raise
        except TryAgain as error:
            raise OutcomeUnknown(f"{intent_id} cannot be read now") from error

    def _made(
        self, payment: Payment, *, correlation_id: str, time_left: TimeLeft
    ) -> tuple[Payment, str | None]:
        """Make the call that is missing and note its answer, with the secret if it is the row's."""
        if payment.cancel_requested:
            raise OutcomeUnknown(f"{payment.id} is being canceled")
        payment = self.note_try.creation(payment)
        if is_complete(payment):
            return payment, None
        key = payment.creation.idempotency_key
        try:
            answer = self.gateway.create_intent(
                payment.creation.params, idempotency_key=key, time_left=time_left
            )
        except FailureStored:
            self.note_try.spent(payment, key)
            raise
        noted = self.note_answer(payment, answer, correlation_id=correlation_id)
        intent = answer.seen.object
        is_ours = noted.payment_intent_id == intent["id"]
        return noted, intent.get("client_secret") if is_ours else None


def _repeated(payment: Payment, request: PaymentRequest) -> tuple[Payment, How]:
    """The row of this request's key, which it has just made or which stood there before."""
    if payment.creation.body_hash != request.body_hash:
        raise IdempotencyConflict("This Idempotency-Key came before with another body.")
    return payment, How.REPEATED if is_complete(payment) else How.MADE
