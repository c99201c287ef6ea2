"""Run an operation: bring a call of ours to Stripe to its end, however its first tries went.

An operation is one message. It reads the row before every call, so it may come twice, late, or
together with the caller's own repeat.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paidonce.domain.errors import NotYetKnown, OutcomeUnknown, StripeRefused, TryAgain
from paidonce.domain.ledger import answer_id
from paidonce.domain.operation import Operation
from paidonce.domain.payment import Payment
from paidonce.domain.payment_calls import (
    NEVER_MADE,
    call_of,
    call_under,
    creation_call,
    ended_by,
    is_complete,
    resource_of,
    stray_cancel,
    tried_at,
    with_next_call,
)
from paidonce.domain.rulebook import Verdict
from paidonce.domain.stripe_call import STATE_REFUSALS, CallState, StripeCall
from paidonce.use_cases.end_create import EndCreate
from paidonce.use_cases.make_call import RESOURCE, MakeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.patience import Patience
from paidonce.use_cases.ports import (
    Books,
    Clock,
    Delivery,
    Lease,
    OperationQueue,
    PaymentBooks,
    Telemetry,
    TimeLeft,
)
from paidonce.use_cases.stripe_ports import StripeGateway


class UnreadableOperationError(Exception):
    """A message in the queue that nobody of ours has sent."""


class NextNotQueuedError(Exception):
    """The call was given up, and what goes on in its place could not be queued."""


# Ends an operation, given its correlation id and a deadline; raises TryAgain to come again.
Finish = Callable[[Operation, str, TimeLeft], None]


@dataclass(frozen=True, kw_only=True)
class RunOperation:
    """The worker of the operations queue. `seconds_for_one_call`: with less, what remains waits.

    `finish_refund` ends calls of refunds, which stand in a payment's row but are no calls of it;
    `finish_others` those of rows that are no payments, by the word before `_` in their ids.
    """

    payments: PaymentBooks
    books: Books
    operations: OperationQueue
    lease: Lease
    gateway: StripeGateway
    make_call: MakeCall
    end_create: EndCreate
    note_answer: NoteAnswer
    finish_refund: Finish
    finish_others: Mapping[str, Finish]
    patience: Patience
    clock: Clock
    telemetry: Telemetry
    absent_after_seconds: int
    seconds_for_one_call: float

    def __call__(self, deliveries: Sequence[Delivery], *, time_left: TimeLeft) -> set[str]:
        """Run them; answers the message ids that are not done and must come again."""
        failed = set()
        for delivery in deliveries:
            enough = time_left() >= self.seconds_for_one_call
            with self.telemetry.correlated(delivery.correlation_id):
                is_done = (
                    self._record(delivery, time_left)
                    if enough
                    else self.patience.give_back(delivery)
                )
            if not is_done:
                failed.add(delivery.message_id)
        return failed

    def _record(self, delivery: Delivery, time_left: TimeLeft) -> bool:
        """One delivery at its own edge: is it done?"""
        try:
            if delivery.receive_count >= self.patience.limits.tries_max:
                self.patience.last_word(delivery)
            self._leased(delivery, time_left)
        except NextNotQueuedError as error:
            # Its own ledger row is final by now: only the queue can bring it again.
            self.telemetry.fault("operation not queued", error, event_id=delivery.event_id)
            return False
        except TryAgain as error:
            return self.patience.wait(delivery, error)
        except Exception as error:  # noqa: BLE001 - the record's edge (house.md section 5)
            return self.patience.fail(delivery, error)
        return True

    def _leased(self, delivery: Delivery, time_left: TimeLeft) -> None:
        key = delivery.event_id
        operation = Operation.parse(delivery.body, correlation_id=delivery.correlation_id)
        if operation is None or key is None:
            raise UnreadableOperationError(delivery.message_id)
        if not self.lease.hold(key, lambda: self._run(operation, time_left)):
            # The lease remembers that it was done. It is never believed: the ledger must say so.
            if not self._has_final_row(key):
                raise TryAgain(f"{key} has a lease that ended and no final row")
            self.telemetry.fact("operation was ended before", event_id=key)

    def _has_final_row(self, key: str) -> bool:
        row = self.books.read(event_ids=[key], payment_ids=[], pointer_ids=[]).rows.get(key)
        return row is not None and row.outcome.is_final

    def _run(self, operation: Operation, time_left: TimeLeft) -> None:
        finish = self.finish_others.get(operation.aggregate_id.partition("_")[0])
        if finish is not None:
            finish(operation, operation.correlation_id or "none", time_left)
            self._tell(operation)
            return
        payment = self.payments.get(operation.aggregate_id)
        if payment is None:
            raise NotYetKnown(f"{operation.aggregate_id} has no row")
        run = _Run(correlation_id=operation.correlation_id or "none", time_left=time_left)
        if operation.cancel_intent is not None:
            self._cancel_stray(payment, operation.cancel_intent, run)
        elif call := call_under(payment, operation.call or ""):
            self._end_call(payment, call, run)
        elif (operation.call or "").startswith(f"{payment.id}_a"):
            self._end_creation(payment, operation.call or "", run)
        else:
            self.finish_refund(operation, run.correlation_id, time_left)
        self._tell(operation)

    def _tell(self, operation: Operation) -> None:
        is_payment = operation.aggregate_id.startswith("pay_")
        self.telemetry.count("OperationsEnded")
        self.telemetry.fact(
            "operation ended",
            payment_id=operation.aggregate_id if is_payment else None,
            aggregate_id=None if is_payment else operation.aggregate_id,
            idempotency_key=operation.call,
            payment_intent_id=operation.cancel_intent,
            correlation_id=operation.correlation_id,
        )

    # --- a creation --------------------------------------------------------------------------

    def _end_creation(self, payment: Payment, idempotency_key: str, run: "_Run") -> None:
        ended = payment
        if payment.creation.idempotency_key == idempotency_key:
            try:
                ended = self.end_create(
                    payment, correlation_id=run.correlation_id, time_left=run.time_left
                )
            except StripeRefused:
                # Logged with its code, and an alarm rings: another try would be refused as well.
                self._closed(payment, creation_call(payment), run, reason=StripeRefused.code)
                return
        if not is_complete(ended):
            # The next attempt has a key, a ledger row and so an operation of its own.
            self._put(ended, ended.creation.idempotency_key, run)
        self._closed(ended, _named(ended, idempotency_key), run)

    # --- a capture or a cancel ---------------------------------------------------------------

    def _end_call(self, payment: Payment, call: StripeCall, run: "_Run") -> None:
        if call.state is CallState.OPEN and payment.payment_intent_id is None:
            payment = self._with_intent(payment, call, run)
        call = call_under(payment, call.idempotency_key) or call
        if call.state is CallState.OPEN:
            payment = self._made(payment, call, run)
        call = call_under(payment, call.idempotency_key) or call
        if call.refusal == NEVER_MADE and call.caller_key is not None:
            again = call_of(payment, call.caller_key)
            if again is not None and again.state is CallState.OPEN:
                self._put(payment, again.idempotency_key, run)
        self._closed(payment, call, run)

    def _with_intent(self, payment: Payment, call: StripeCall, run: "_Run") -> Payment:
        """The creation goes first: only what exists, or is proven not to, can be canceled."""
        ended = self.end_create(payment, correlation_id=run.correlation_id, time_left=run.time_left)
        if not is_complete(ended):
            raise OutcomeUnknown(f"{call.idempotency_key} waits for the intent")
        return ended

    def _made(self, payment: Payment, call: StripeCall, run: "_Run") -> Payment:
        """Under the same key while it is fresh; after that the intent itself says what was done."""
        key = call.idempotency_key
        try:
            if self.make_call.note_try.may_send(call):
                return self.make_call(
                    payment, key, correlation_id=run.correlation_id, time_left=run.time_left
                )
        except StripeRefused:
            # Noted in the row, and logged with its code: another try would be refused as well.
            return self.payments.get(payment.id) or payment
        known = self.make_call.known_end(payment, key, correlation_id=run.correlation_id)
        standing = call_under(known, key) or call
        if standing.state is not CallState.OPEN:
            return known
        look = self.gateway.get(resource_of(call), call.object_id or "", time_left=run.time_left)
        ended = ended_by(call, look.seen.object)
        if ended is not None:
            return self.note_answer.ended(known, ended, look, correlation_id=run.correlation_id)
        if int(self.clock.now()) - (call.last_tried_at or 0) < self.absent_after_seconds:
            raise OutcomeUnknown(f"{key} may still come to be done")
        return self._next_call(known, call, run)

    def _next_call(self, payment: Payment, call: StripeCall, run: "_Run") -> Payment:
        """Not done, and nothing can come of it any more: the same request under the next key."""

        def decide(row: Payment) -> Verdict[Payment]:
            if row.version != payment.version:
                raise OutcomeUnknown(f"{payment.id} was changed meanwhile")
            return Verdict(after=with_next_call(row, call), reason=NEVER_MADE)

        return self.note_answer.decided(payment, call, decide, correlation_id=run.correlation_id)

    # --- a stray -----------------------------------------------------------------------------

    def _cancel_stray(self, payment: Payment, intent_id: str, run: "_Run") -> None:
        """Cancel an intent that is not the payment's, unless it is after all, or is over.

        Raises TryAgain while Stripe will not cancel it: `processing`, until the bank has answered.
        """
        call = stray_cancel(payment, intent_id)
        if self._has_final_row(answer_id(call.idempotency_key)):
            return
        if payment.payment_intent_id == intent_id:
            self._closed(payment, call, run)
            return
        try:
            attempt = tried_at(call, int(self.clock.now()))
            look = self.gateway.send(attempt, time_left=run.time_left)
        except StripeRefused as error:
            if error.stripe_code not in STATE_REFUSALS:
                raise
            # Paid or canceled meanwhile: the rule says what that means.
            look = self.gateway.get(RESOURCE, intent_id, time_left=run.time_left)
            if ended_by(call, look.seen.object) is None:
                raise TryAgain(f"{intent_id} cannot be canceled yet") from error
        self.telemetry.count("StraysCanceled")
        self.note_answer.ended(payment, call, look, correlation_id=run.correlation_id)

    # --- the end -----------------------------------------------------------------------------

    def _put(self, payment: Payment, idempotency_key: str, run: "_Run") -> None:
        operation = Operation(
            aggregate_id=payment.id, call=idempotency_key, correlation_id=run.correlation_id
        )
        try:
            self.operations.put(operation)
        except Exception as error:
            raise NextNotQueuedError(idempotency_key) from error

    def _closed(
        self, payment: Payment, call: StripeCall, run: "_Run", *, reason: str = "known_before"
    ) -> None:
        """A final ledger row where the end came from elsewhere, so that no row waits for ever."""
        if self._has_final_row(answer_id(call.idempotency_key)):
            return
        self.note_answer.decided(
            payment,
            call,
            lambda row: Verdict(after=row, reason=reason),
            correlation_id=run.correlation_id,
        )


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What every step of one operation needs."""

    correlation_id: str
    time_left: TimeLeft


def _named(payment: Payment, idempotency_key: str) -> StripeCall:
    """The creation of an earlier attempt, as far as its ledger row needs it."""
    call = creation_call(payment)
    if call.idempotency_key == idempotency_key:
        return call
    return StripeCall(
        kind=call.kind, idempotency_key=idempotency_key, path=call.path, params=call.params
    )
