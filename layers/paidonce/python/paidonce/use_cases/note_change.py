"""Note what Stripe answered to a change of a subscription: a webhook may have been faster."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from paidonce.domain.errors import OutcomeUnknown, TryAgain
from paidonce.domain.ledger import LedgerRow, answer_id
from paidonce.domain.moment import iso
from paidonce.domain.rulebook import FetchFirst, rule_for
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.domain.subscription import Subscription
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.decision import Decision
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.ports import AlreadyApplied
from paidonce.use_cases.stripe_ports import Answer

# The event that tells of the same thing: its rule decides about an answer as well.
_SAME_AS_EVENT = "customer.subscription.updated"


@dataclass(frozen=True, kw_only=True)
class NoteChange:
    """Writes the answer, the call's end and the ledger's row in one transaction.

    `look`: the subscription as Stripe holds it now; raises OutcomeUnknown.
    """

    carry_out: CarryOut
    look: Callable[[Subscription], Sighting]

    def __call__(
        self,
        row: Subscription,
        call: StripeCall,
        answer: Answer,
        *,
        correlation_id: str,
    ) -> Subscription:
        """The row as it stands then.

        Raises OutcomeUnknown where Stripe cannot be asked again or five rounds met conflicts: a
        repeat ends it.
        """
        do = self.carry_out
        for round_number in range(ROUNDS_MAX):
            try:
                if round_number:
                    row = do.requests.get(row.id, Subscription) or row
                decision = self._decided(row, call, answer.seen, is_first=round_number == 0)
                entry = self._entry(decision, call, answer, correlation_id=correlation_id)
                do.books.commit(decision.commit(entry))
            except OutcomeUnknown:
                raise
            except AlreadyApplied:
                return do.requests.get(row.id, Subscription) or row
            except TryAgain:
                do.clock.pause(ROUND_PAUSE_SECONDS_MAX * do.jitter())
            else:
                return decision.after
        raise OutcomeUnknown(f"the answer for {row.id} could not be noted")

    def _decided(
        self, row: Subscription, call: StripeCall, seen: Sighting, *, is_first: bool
    ) -> Decision[Subscription]:
        """By the rule of its events; an answer that may be older than the row is no use: look."""
        if not is_first and seen.source is Source.FETCH:
            # What was read before this row was is no newer than an answer.
            seen = replace(seen, source=Source.ANSWER)
        rule = rule_for(_SAME_AS_EVENT)
        if rule is None:
            raise LookupError("the rules are not loaded")
        verdict = rule.decide(row, seen)
        if isinstance(verdict, FetchFirst):
            verdict = rule.decide(row, self.look(row))
        if isinstance(verdict, FetchFirst):
            raise TypeError("a look at Stripe is decided without another")
        after = verdict.after.with_call(call.ended(CallState.DONE))
        return Decision.of(row, replace(verdict, after=after), at=iso(self.carry_out.clock.now()))

    def _entry(
        self,
        decision: Decision[Subscription],
        call: StripeCall,
        answer: Answer,
        *,
        correlation_id: str,
    ) -> LedgerRow:
        now, stage = self.carry_out.clock.now(), self.carry_out.stage
        told_at = iso(answer.seen.as_of)
        return LedgerRow(
            event_id=answer_id(call.idempotency_key),
            event_type=f"answer.subscription.{call.kind}",
            outcome=decision.outcome,
            livemode=stage.livemode,
            received_at=iso(now),
            decided_at=iso(now),
            aggregate_id=decision.after.id,
            request_id=answer.request_id,
            correlation_id=correlation_id,
            domain_events=decision.domain_events(at=told_at, stage=stage, now=now),
        )
