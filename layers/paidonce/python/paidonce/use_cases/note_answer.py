"""Note what Stripe answered to a create: a merge, since a webhook may have been faster."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from paidonce.domain.errors import ChangedMeanwhile, OutcomeUnknown, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.ownership import Stage
from paidonce.domain.payment import Payment, told
from paidonce.domain.rulebook import FetchFirst, Verdict, rule_for
from paidonce.use_cases.ports import (
    AlreadyApplied,
    Answer,
    Books,
    Clock,
    Commit,
    PaymentBooks,
    Pointer,
    Telemetry,
)

# A conflict means that a worker has just written; after five the payment is too busy for now.
ROUNDS_MAX = 5
# The longest pause between two rounds: a transaction takes about 10 ms.
ROUND_PAUSE_SECONDS_MAX = 0.2
# The event that tells of the same thing: its rule decides about an answer as well.
_SAME_AS_EVENT = "payment_intent.created"


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
        """The payment as it stands once the answer is noted, by us or by somebody before us.

        Raises OutcomeUnknown when five rounds met conflicts: a repeat will note the same answer.
        """
        for round_number in range(ROUNDS_MAX):
            try:
                fresh = payment if round_number == 0 else self._row(payment.id)
                return self._commit(fresh, answer, correlation_id)
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

    def _commit(self, before: Payment, answer: Answer, correlation_id: str) -> Payment:
        verdict = _decided(before, answer)
        after = verdict.payment
        at = iso(self.clock.now())
        shows = not after.looks_like(before)
        if after != before:
            after = after.written(at=at if shows else before.updated_at)
        row = LedgerRow(
            event_id=f"answer#{before.creation.idempotency_key}",
            event_type="answer.payment_intent.create",
            outcome=verdict.outcome or (Outcome.APPLIED if shows else Outcome.UNCHANGED),
            reason=verdict.reason,
            livemode=self.stage.livemode,
            received_at=at,
            decided_at=at,
            aggregate_id=before.id,
            request_id=answer.request_id,
            correlation_id=correlation_id,
            domain_events=told(before, after, notices=verdict.notices, at=iso(answer.seen.as_of)),
        )
        self.books.commit(_entry(before, after, row))
        self._tell(after, verdict, row)
        return after

    def _tell(self, after: Payment, verdict: Verdict, row: LedgerRow) -> None:
        for alarm in verdict.alarms:
            self.telemetry.count(alarm)
        if verdict.outcome is Outcome.SUPERSEDED:
            self.telemetry.count("IntentMismatch")
        self.telemetry.fact(
            "answer noted",
            payment_id=after.id,
            payment_intent_id=after.payment_intent_id,
            idempotency_key=after.creation.idempotency_key,
            outcome=row.outcome.value,
            reason=row.reason,
            stripe_request_id=row.request_id,
            correlation_id=row.correlation_id,
        )


def _decided(payment: Payment, answer: Answer) -> Verdict:
    """What the intent's rule says; of a replayed answer only the id, for its state may be old."""
    rule = rule_for(_SAME_AS_EVENT)
    if rule is None:
        raise LookupError("the rules are not loaded")
    verdict = rule.decide(payment, answer.seen)
    if isinstance(verdict, FetchFirst):
        raise TypeError("an answer is decided without a fetch")
    if verdict.outcome is Outcome.SUPERSEDED:
        return verdict
    state = payment if answer.replayed else verdict.payment
    adopted = replace(state, payment_intent_id=answer.seen.object["id"])
    return replace(verdict, payment=adopted)


def _entry(before: Payment, after: Payment, row: LedgerRow) -> Commit:
    return Commit(
        rows=(row,),
        changed=((before, after),) if after != before else (),
        checked=() if after != before else (before,),
        pointers=[
            Pointer(id=pointer_id, aggregate_id=after.id)
            for pointer_id in sorted(after.pointer_ids - before.pointer_ids)
        ],
    )
