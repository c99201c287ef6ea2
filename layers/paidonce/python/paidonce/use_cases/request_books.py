"""Requests, and the rows that they lead to, as the API opens, reads and writes them."""

from typing import Protocol, TypeVar

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.request import Request

A = TypeVar("A", bound=Aggregate)


class ClaimTaken(Exception):  # noqa: N818 - errors are facts
    """The claim belongs to another request."""

    def __init__(self, holder: Request) -> None:
        super().__init__(holder.id)
        self.holder = holder


class RequestBooks(Protocol):
    """Rows of any kind one by one, and requests with their claims."""

    def get(self, aggregate_id: str, kind: type[A]) -> A | None:
        """One consistent read; None too for a row of another kind. Raises TryAgain."""
        ...

    def open(
        self, request: Request, *, claim_id: str | None = None, over: Request | None = None
    ) -> Request:
        """Write a request, and its claim, in one transaction.

        The request must be absent (otherwise the row that stands is answered: a repeat). The claim
        must be absent or held by `over`, a refused request, which is written as having given way
        under `version = :read`. Raises ClaimTaken, ChangedMeanwhile (ask again), TryAgain.
        """
        ...

    def holder_of(self, claim_id: str) -> Request | None:
        """The request that holds a claim. Raises TryAgain."""
        ...

    def save(self, before: Aggregate, after: Aggregate) -> None:
        """Write a row under `version = :read`; for notes of ours that no ledger row tells of.

        Raises ChangedMeanwhile, TryAgain.
        """
        ...
