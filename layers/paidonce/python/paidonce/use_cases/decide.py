"""Decide several events of one read by their rules, folded row by row, into one commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import NotYetKnown
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.ownership import FOREIGN, Mark, Owner, Parent, Stage, owner_of
from paidonce.domain.payment import Payment
from paidonce.domain.payment_request import order_claim
from paidonce.domain.rulebook import FetchFirst, Rule, Verdict, catalogue_rule_for, rule_for
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.decision import Decision, new_pointers
from paidonce.use_cases.ports import Commit, Delivery, Pages, Pointer

# What a replay decides anew: a rule, a mark or a row may be there by now.
_DECIDED_WITHOUT_EFFECT = (Outcome.IGNORED, Outcome.FOREIGN)


@dataclass(frozen=True)
class ReadParent:
    """The object says nothing of whose it is: read at Stripe what it was made from."""

    parent: Parent


@dataclass(frozen=True, kw_only=True)
class Parents:
    """What was read at Stripe, by id, and whose it is: an aggregate's id, or FOREIGN.

    What is somebody else's is remembered until `expires_at`, so that it is not read again; where
    that is None, it is not remembered.
    """

    owned_by: Mapping[str, str] = field(default_factory=dict)
    expires_at: int | None = None

    @property
    def aggregate_ids(self) -> set[str]:
        """Rows that must be read to decide about their children."""
        return set(self.owned_by.values()) - {FOREIGN}


class Fold:
    """The decisions so far: each event sees its row as the events before it left it."""

    def __init__(
        self,
        pages: Pages,
        *,
        stage: Stage,
        now: float,
        parents: Parents | None = None,
        last_told: Mapping[str, DomainEvent] | None = None,
    ) -> None:
        self._pages = pages
        self._stage = stage
        self._now = now
        self._at = iso(now)
        self._parents = parents or Parents()
        self._last_told = last_told or {}
        self._aggregates: dict[str, Aggregate] = {}
        self._pointers: dict[str, str] = {**self._parents.owned_by, **pages.pointers}
        self.rows: list[LedgerRow] = []
        self.alarms: list[str] = []
        self._outdated: set[str] = set()

    def is_done(self, delivery: Delivery) -> bool:
        """True when the read found nothing left to decide."""
        return is_done(self._pages, delivery)

    def row_of(self, event_id: str) -> LedgerRow | None:
        """The row as it was decided here, otherwise as it was read."""
        decided = (row for row in self.rows if row.event_id == event_id)
        return next(decided, self._pages.rows.get(event_id))

    def add(
        self, delivery: Delivery, event: StripeEvent, *, seen: Sighting | None = None
    ) -> FetchFirst | ReadParent | None:
        """Decide one event, from its payload or from what a fetch has `seen`.

        Answers, with nothing noted, what to read at Stripe where the payload cannot decide. Raises
        NotYetKnown when the event is ours and our row is not there; whatever a rule raises passes
        through.
        """
        owner = owner_of(event, self._stage)
        rule = rule_for(event.type)
        if (
            owner.mark is Mark.FOREIGN
            or rule is None
            or (rule.only and not rule.only(event.object))
        ):
            self._note(delivery, event, self._without_row(owner, event))
            return None
        if event.is_thin and seen is None:
            return FetchFirst(event.object_id or "")
        before = self._row(rule, owner, event)
        if isinstance(before, ReadParent):
            return before
        if before is None:
            self._note(delivery, event, Outcome.FOREIGN)
            return None
        verdict = rule.decide(before, seen or Sighting.of_event(event))
        if isinstance(verdict, FetchFirst):
            return verdict
        self._take(delivery, event, before, verdict)
        return None

    def _without_row(self, owner: Owner, event: StripeEvent) -> Outcome:
        """What becomes of an event that no row of ours has to do with."""
        if owner.mark is Mark.FOREIGN:
            return Outcome.FOREIGN
        catalogue_rule = catalogue_rule_for(event.type)
        if catalogue_rule is None:
            return Outcome.IGNORED
        self._outdated.update(catalogue_rule.names(event.object))
        return Outcome.APPLIED

    def _row(self, rule: Rule, owner: Owner, event: StripeEvent) -> Aggregate | ReadParent | None:
        """The row that the rule decides about, or one that begins here; None is somebody else's."""
        if rule.names is None:
            aggregate_id = owner.aggregate_id or self._pointed_to(owner)
            if aggregate_id is None and owner.mark is Mark.NONE and owner.parent:
                return ReadParent(owner.parent)
        else:
            aggregate_id = rule.names(event.object)
        if aggregate_id == FOREIGN:
            return None
        known = self._known(aggregate_id)
        if known is not None or self._is_foreign(rule, owner, aggregate_id):
            return known
        if rule.restores is not None and aggregate_id is not None:
            restored: Aggregate = rule.restores(
                event.object, self._at, self._last_told.get(aggregate_id)
            )
            return restored
        if rule.begins is None:
            raise NotYetKnown(f"{aggregate_id or event.object_id} has no row")
        begun: Aggregate = rule.begins(event.object, self._at)
        return begun

    def _known(self, aggregate_id: str | None) -> Aggregate | None:
        if aggregate_id is None:
            return None
        return self._aggregates.get(aggregate_id) or self._pages.aggregates.get(aggregate_id)

    def _is_foreign(self, rule: Rule, owner: Owner, aggregate_id: str | None) -> bool:
        """Is what has no row nobody's of ours? Without a mark only what is adopted is ours."""
        if rule.names and aggregate_id is None:
            # It names no row, and never will: an invoice of no subscription.
            return True
        if owner.mark is Mark.OURS:
            return False
        if rule.names is None:
            # A pointer, or a parent's mark, that leads to a row which is not there yet.
            return aggregate_id is None
        return not self._stage.adopt

    def _pointed_to(self, owner: Owner) -> str | None:
        """What the first known pointer leads to: the object's own, then those of its parents."""
        return next((self._pointers[i] for i in owner.pointer_ids if i in self._pointers), None)

    def entry(self) -> Commit:
        """All decisions as one transaction: at most one action per item."""
        known = self._pages.aggregates
        made = [
            after
            for aggregate_id, after in self._aggregates.items()
            if aggregate_id not in known and after.version
        ]
        changed = [
            (known[aggregate_id], after)
            for aggregate_id, after in self._aggregates.items()
            if aggregate_id in known and known[aggregate_id] != after
        ]
        moved = {after.id for _, after in changed}
        return Commit(
            rows=self.rows,
            outdated=sorted(self._outdated),
            claims=_claims_of(made),
            made=made,
            changed=changed,
            checked=[known[i] for i in self._aggregates if i in known and i not in moved],
            pointers=[
                *(pointer for after in made for pointer in new_pointers(None, after)),
                *(pointer for before, after in changed for pointer in new_pointers(before, after)),
                *self._foreign_pointers(),
            ],
            replayed={
                row.event_id: self._pages.rows.get(row.event_id)
                for row in self.rows
                if row.replay_id
            },
        )

    def _foreign_pointers(self) -> list[Pointer]:
        return [
            Pointer(id=parent_id, aggregate_id=FOREIGN, expires_at=self._parents.expires_at)
            for parent_id, owned_by in self._parents.owned_by.items()
            if owned_by == FOREIGN and self._parents.expires_at is not None
        ]

    def _take(
        self, delivery: Delivery, event: StripeEvent, before: Aggregate, verdict: Verdict[Any]
    ) -> None:
        decision: Decision[Any] = Decision.of(before, verdict, at=self._at)
        after: Aggregate = decision.after
        self._aggregates[after.id] = after
        # An event later in this batch may know the row only by Stripe's id.
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
        decision: Decision[Any] | None = None,
    ) -> None:
        earlier = self._pages.rows.get(event.id)
        caused = self._told(decision, event) if decision else ()
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
                correlation_id=delivery.correlation_id,
                api_version=event.api_version,
                replay_id=delivery.replay_id,
                domain_events=(*_unpublished(earlier), *caused),
            )
        )

    def _told(self, decision: Decision[Any], event: StripeEvent) -> tuple[DomainEvent, ...]:
        at = iso(event.created)
        return decision.domain_events(at=at, stage=self._stage, now=self._now)


def is_done(pages: Pages, delivery: Delivery) -> bool:
    """True when these pages show that nothing is left to decide: by this replay, if it is one."""
    row = pages.rows.get(delivery.event_id or "")
    if row is None or not row.outcome.is_final:
        return False
    if delivery.replay_id is None or row.replay_id == delivery.replay_id:
        return True
    return not delivery.is_forced and row.outcome not in _DECIDED_WITHOUT_EFFECT


def _unpublished(row: LedgerRow | None) -> tuple[DomainEvent, ...]:
    """What the bus has not heard yet of a row that a replay writes anew."""
    return () if row is None or row.is_published else row.domain_events


def _claims_of(made: Sequence[Aggregate]) -> dict[str, str]:
    """Of payments whose rows were lost: the claim may be, too, and nobody shall pay them again.

    Without a user the claim is the caller's own, whom Stripe does not know.
    """
    return {
        order_claim(owner=one.user_id, order_id=one.order_id): one.id
        for one in made
        if isinstance(one, Payment) and one.user_id is not None
    }


def keys_of(events: Sequence[StripeEvent], stage: Stage) -> tuple[set[str], set[str], set[str]]:
    """What must be read to decide these events: event ids, ids of rows, pointer ids."""
    event_ids = {event.id for event in events}
    row_ids: set[str] = set()
    pointer_ids: set[str] = set()
    for event in events:
        rule = rule_for(event.type)
        if rule is None:
            continue
        owner = owner_of(event, stage)
        if rule.names is None:
            row_ids.update({owner.aggregate_id} if owner.aggregate_id else ())
            pointer_ids.update(owner.pointer_ids)
        elif named := rule.names(event.object):
            row_ids.add(named)
    return event_ids, row_ids, pointer_ids
