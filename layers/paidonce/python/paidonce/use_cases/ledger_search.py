"""What operators and the reconciler ask of the ledger beside single rows."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from paidonce.domain.ledger import LedgerRow, Outcome


class LedgerSearch(Protocol):
    """Reads by the ledger's two indexes, which lag behind the rows by about a second."""

    def row(self, event_id: str) -> LedgerRow | None:
        """One consistent read. Raises TryAgain when throttled."""
        ...

    def about(self, aggregate_id: str) -> Sequence[LedgerRow]:
        """Every row that was decided about this one of ours, oldest first. Raises as `row`."""
        ...

    def left(self, outcome: Outcome, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """Pages of rows that are `waiting`, `failing` or `dead` since before this (ISO 8601).

        Each page is read when it is asked for; who asks for some pages only gets others the next
        time. Raises as `row`.
        """
        ...
