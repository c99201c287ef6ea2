"""Decide several events of one read by their rules, folded payment by payment, into one commit."""

from collections.abc import Sequence

from paidonce.domain.errors import NotYetKnown
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.ownership import FOREIGN, Mark, Owner, Stage, owner_of
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import FetchFirst, Verdict, catalogue_rule_for, rule_for
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.decision import Decision, new_pointers
from paidonce.use_cases.ports import Commit, Delivery, Pages


class Fold:
    """The decisions so far: each event sees the payment as the events before it left it."""

    def __init__(self, pages: Pages, *, stage: Stage, now: float) -> None:
        self._pages = pages
        self._stage = stage
        self._at = iso(now)
        self._payments: dict[str, Payment] = {}
        self._pointers: dict[str, str] = dict(pages.pointers)
        self.rows: list[LedgerRow] = []
        self.alarms: list[str] = []
        self._outdated: set[str] = set()

    def was_final(self, event_id: str) -> bool:
        """True when the read found the event decided for good."""
        row = self._pages.rows.get(event_id)
        return row is not None and row.outcome.is_final

    def row_of(self, event_id: str) -> LedgerRow | None:
        """The row as it was decided here, otherwise as it was read."""
        decided = (row for row in self.rows if row.event_id == event_id)
        return next(decided, self._pages.rows.get(event_id))

    def add(
        self, delivery: Delivery, event: StripeEvent, *, seen: Sighting | None = None
    ) -> FetchFirst | None:
        """Decide one event, from its payload or from what a fetch has `seen`.

        Answers FetchFirst, with nothing noted, when the payload cannot decide. Raises NotYetKnown
        when the event is ours and our row is not there; whatever a rule raises passes through.
        """
        owner = owner_of(event, self._stage)
        rule = rule_for(event.type)
        if owner.mark is Mark.FOREIGN:
            self._note(delivery, event, Outcome.FOREIGN)
            return None
        if catalogue_rule := catalogue_rule_for(event.type):
            self._outdated.update(catalogue_rule.names(event.object))
            self._note(delivery, event, Outcome.APPLIED)
            return None
        if rule is None:
            self._note(delivery, event, Outcome.IGNORED)
            return None
        payment_id = owner.aggregate_id or self._pointed_to(owner)
        if payment_id in (None, FOREIGN):
            self._note(delivery, event, Outcome.FOREIGN)
            return None
        payment = self._payments.get(payment_id) or self._pages.payments.get(payment_id)
        if payment is None:
            raise NotYetKnown(f"{payment_id} has no row")
        verdict = rule.decide(payment, seen or Sighting.of_event(event))
        if isinstance(verdict, FetchFirst):
            return verdict
        self._take(delivery, event, payment, verdict)
        return None

    def _pointed_to(self, owner: Owner) -> str | None:
        """What the first known pointer leads to: the object's own, then those of its parents."""
        return next((self._pointers[i] for i in owner.pointer_ids if i in self._pointers), None)

    def entry(self) -> Commit:
        """All decisions as one transaction: at most one action per item."""
        changed = [
            (before, after)
            for payment_id, after in self._payments.items()
            if (before := self._pages.payments[payment_id]) != after
        ]
        moved = {after.id for _, after in changed}
        return Commit(
            rows=self.rows,
            outdated=sorted(self._outdated),
            changed=changed,
            checked=[p for payment_id, p in self._payments.items() if payment_id not in moved],
            pointers=[
                pointer for before, after in changed for pointer in new_pointers(before, after)
            ],
        )

    def _take(
        self, delivery: Delivery, event: StripeEvent, before: Payment, verdict: Verdict
    ) -> None:
        decision = Decision.of(before, verdict, at=self._at)
        after = decision.after
        self._payments[after.id] = after
        # An event later in this batch may know the payment only by Stripe's id.
        self._pointers.update(dict.fromkeys(after.pointer_ids, after.id))
        self.alarms.extend(verdict.alarms)
        self._note(
            delivery,
            event,
            decision.outcome,
            aggregate_id=after.id,
            decision=decision,
        )

    def _note(
        self,
        delivery: Delivery,
        event: StripeEvent,
        outcome: Outcome,
        *,
        aggregate_id: str | None = None,
        decision: Decision | None = None,
    ) -> None:
        earlier = self._pages.rows.get(event.id)
        self.rows.append(
            LedgerRow(
                event_id=event.id,
                event_type=event.type,
                outcome=outcome,
                reason=decision.verdict.reason if decision else None,
                livemode=event.livemode,
                created=event.created,
                received_at=delivery.attributes.get("received_at"),
                decided_at=self._at,
                aggregate_id=aggregate_id,
                attempts=earlier.attempts + 1 if earlier else 1,
                request_id=event.request_id,
                correlation_id=delivery.attributes.get("correlation_id"),
                api_version=event.api_version,
                domain_events=decision.domain_events(at=iso(event.created)) if decision else (),
            )
        )


def keys_of(events: Sequence[StripeEvent], stage: Stage) -> tuple[set[str], set[str], set[str]]:
    """What must be read to decide these events: event ids, payment ids, pointer ids."""
    owners = [owner_of(event, stage) for event in events if rule_for(event.type)]
    return (
        {event.id for event in events},
        {owner.aggregate_id for owner in owners if owner.aggregate_id},
        {pointer_id for owner in owners for pointer_id in owner.pointer_ids},
    )
