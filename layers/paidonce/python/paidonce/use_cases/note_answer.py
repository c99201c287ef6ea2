"""Note what Stripe answered to a call of ours: a merge, since a webhook may have been faster."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from paidonce.domain.errors import ChangedMeanwhile, OutcomeUnknown, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome, answer_id
from paidonce.domain.moment import iso
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Band, Payment
from paidonce.domain.payment_calls import (
    CANCEL_STRAY,
    CHECKOUT,
    CREATE,
    EXPIRE_PATH,
    creation_call,
    with_canceled_creation,
)
from paidonce.domain.refund_request import REFUND
from paidonce.domain.rulebook import FetchFirst, Verdict, rule_for
from paidonce.domain.sighting import Source
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.use_cases.decision import Decision
from paidonce.use_cases.ports import AlreadyApplied, Books, Clock, PaymentBooks, Telemetry
from paidonce.use_cases.stripe_ports import Answer

# A conflict means that a worker has just written; after five the payment is too busy for now.
ROUNDS_MAX = 5
# The longest pause between two rounds: a transaction takes about 10 ms.
ROUND_PAUSE_SECONDS_MAX = 0.2
# The event that tells of the same thing: its rule decides about an answer as well.
_SAME_AS_EVENT = "payment_intent.created"
# Makes of the row, as it is read in each round, what shall be written.
Decide = Callable[[Payment], Verdict[Payment]]


@dataclass(frozen=True, kw_only=True)
class NoteAnswer:
    """Writes an answer's state, pointer and ledger row in one transaction."""

    books: Books
    payments: PaymentBooks
    clock: Clock
    telemetry: Telemetry
    stage: Stage
    jitter: Callable[[], float]

    def __call__(self, payment: Payment, answer: Answer, *, correlation_id: str) -> Payment:
        """The payment as it stands once a creation's answer is noted, by us or before us.

        Raises OutcomeUnknown when five rounds met conflicts: a repeat will note the same answer.
        """
        return self.ended(payment, creation_call(payment), answer, correlation_id=correlation_id)

    def ended(
        self, payment: Payment, call: StripeCall, answer: Answer, *, correlation_id: str
    ) -> Payment:
        """Note what was seen at Stripe and, in the same transaction, that the call ended.

        `call` is as it shall stand in the row; one that is still open is taken to be done. The
        intent's rule decides what the look means, so an answer never makes a payment `paid`. Raises
        as `__call__`.
        """
        if call.state is CallState.OPEN:
            call = call.ended(CallState.DONE)
        return self.decided(
            payment,
            call,
            lambda row: _decided(row, call, answer),
            answer=answer,
            correlation_id=correlation_id,
        )

    def decided(
        self,
        payment: Payment,
        call: StripeCall,
        decide: Decide,
        *,
        answer: Answer | None = None,
        correlation_id: str,
    ) -> Payment:
        """Write what `decide` makes of the row, with the ledger row of this call. Raises as above.

        When the ledger holds a final row of the call, nothing is written: the row is answered.
        """
        for round_number in range(ROUNDS_MAX):
            try:
                before = payment if round_number == 0 else self._row(payment.id)
                return self._commit(before, call, decide, answer, correlation_id)
            except AlreadyApplied:
                return self._row(payment.id)
            except TryAgain:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
        raise OutcomeUnknown(f"the answer for {payment.id} could not be noted")

    def _row(self, payment_id: str) -> Payment:
        row = self.payments.get(payment_id)
        if row is None:
            raise ChangedMeanwhile(f"{payment_id} has no row")
        return row

    def _commit(
        self,
        before: Payment,
        call: StripeCall,
        decide: Decide,
        answer: Answer | None,
        correlation_id: str,
    ) -> Payment:
        now = self.clock.now()
        decision = Decision.of(before, decide(before), at=iso(now))
        row = LedgerRow(
            event_id=answer_id(call.idempotency_key),
            event_type=ledger_type(call),
            outcome=decision.outcome,
            reason=decision.verdict.reason,
            livemode=self.stage.livemode,
            received_at=iso(now),
            decided_at=iso(now),
            aggregate_id=before.id,
            request_id=answer.request_id if answer else None,
            correlation_id=correlation_id,
            domain_events=decision.domain_events(
                at=iso(answer.seen.as_of if answer else now), stage=self.stage, now=now
            ),
        )
        self._ring(decision, call)
        self.books.commit(decision.commit(row))
        self._tell(decision, call, row)
        return decision.after

    def _ring(self, decision: Decision[Payment], call: StripeCall) -> None:
        """Before the commit: once the call's row is final, nobody decides about it again."""
        for alarm in decision.verdict.alarms:
            self.telemetry.alarm(alarm)
        if decision.outcome is Outcome.SUPERSEDED and call.kind != CANCEL_STRAY:
            self.telemetry.alarm("IntentMismatch")

    def _tell(self, decision: Decision[Payment], call: StripeCall, row: LedgerRow) -> None:
        self.telemetry.fact(
            "answer noted",
            payment_id=decision.after.id,
            payment_intent_id=decision.after.payment_intent_id,
            idempotency_key=call.idempotency_key,
            outcome=row.outcome.value,
            reason=row.reason,
            stripe_request_id=row.request_id,
            correlation_id=row.correlation_id,
        )


def ledger_type(call: StripeCall) -> str:
    """What stands as the event's type in the ledger row of an answer."""
    if call.kind == REFUND:
        return "answer.refund.create"
    if call.kind == CHECKOUT:
        return "answer.checkout.session.create"
    return f"answer.payment_intent.{call.kind}"


def _decided(payment: Payment, call: StripeCall, answer: Answer) -> Verdict[Payment]:
    """What the intent's rule says, and the end of the call.

    Of a replayed answer only the id and a final state count: what it says of others may be old.
    """
    if call.kind == CHECKOUT:
        # The page makes the intent when it is paid; its events find the payment by its marks.
        session_id = answer.seen.object["id"]
        return Verdict(after=replace(payment, checkout_session_id=session_id))
    if call.path == EXPIRE_PATH:
        # Nobody can pay on a page that has expired, and nobody has: there is no intent to cancel.
        is_over = answer.seen.object["status"] == "expired" and payment.status.band is Band.OPEN
        noted = payment.with_call(call)
        return Verdict(after=with_canceled_creation(noted) if is_over else noted)
    rule = rule_for(_SAME_AS_EVENT)
    if rule is None:
        raise LookupError("the rules are not loaded")
    verdict = rule.decide(payment, answer.seen)
    if isinstance(verdict, FetchFirst):
        raise TypeError("an answer is decided without a fetch")
    if verdict.outcome is Outcome.SUPERSEDED:
        return verdict
    is_old = answer.replayed and answer.seen.source is Source.ANSWER
    is_for_ever = verdict.after.status.band is Band.FINAL
    state = payment if is_old and not is_for_ever else verdict.after
    if call.kind == CREATE:
        return replace(verdict, after=replace(state, payment_intent_id=answer.seen.object["id"]))
    return replace(verdict, after=state.with_call(call))
