"""A verdict as it is written: the row after it, the ledger's outcome, what the bus hears of it.

The worker's events and the answers to calls of ours are written alike, so both begin here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from paidonce.domain.aggregate import Aggregate, told
from paidonce.domain.entitlement import view_of
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.ownership import Stage
from paidonce.domain.rulebook import Verdict
from paidonce.use_cases.ports import Commit, Pointer

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[A]):
    """One decision about a row; `after` has its new version when anything changed."""

    before: A
    after: A
    verdict: Verdict[A]
    outcome: Outcome

    @classmethod
    def of(cls, before: A, verdict: Verdict[A], *, at: str) -> "Decision[A]":
        """The decision of a rule; `at` (ISO 8601) is when it is written."""
        after = verdict.after
        shows = not after.looks_like(before)
        if after != before:
            after = after.written(at=at if shows else before.updated_at)
        return cls(
            before=before,
            after=after,
            verdict=verdict,
            outcome=verdict.outcome or (Outcome.APPLIED if shows else Outcome.UNCHANGED),
        )

    def domain_events(self, *, at: str, stage: Stage, now: float) -> tuple[DomainEvent, ...]:
        """What the bus is told; `at` (ISO 8601) is when it happened at Stripe, `now` when we tell.

        It shows the row as the API of this stage would show it now.
        """
        view = view_of(self.after, policy=stage.policy, now=now)
        return told(self.before, self.after, notices=self.verdict.notices, at=at, view=view)

    def commit(self, *rows: LedgerRow) -> Commit:
        """The decision and its ledger rows as one transaction."""
        changed = self.after != self.before
        return Commit(
            rows=rows,
            changed=((self.before, self.after),) if changed else (),
            checked=() if changed else (self.before,),
            pointers=new_pointers(self.before, self.after),
        )


def new_pointers(before: Aggregate | None, after: Aggregate) -> Sequence[Pointer]:
    """Pointers to ids that became known with this change; `before` is None for a row just made."""
    known = before.pointer_ids if before else frozenset()
    return [
        Pointer(id=pointer_id, aggregate_id=after.id)
        for pointer_id in sorted(after.pointer_ids - known)
    ]
