"""The ledger's indexes in memory, over the ledger of the other fakes."""

from collections.abc import Iterator, Sequence

from paidonce.domain.ledger import LedgerRow, Outcome

from tests.fakes import Faults, Tables


class FakeLedgerSearch:
    """`LedgerSearch` over dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.faults = Faults()

    def row(self, event_id: str) -> LedgerRow | None:
        """See `LedgerSearch.row`."""
        with self.faults.around("row"):
            return self.tables.rows.get(event_id)

    def about(self, aggregate_id: str) -> Sequence[LedgerRow]:
        """See `LedgerSearch.about`."""
        with self.faults.around("about"):
            found = [row for row in self.tables.rows.values() if row.aggregate_id == aggregate_id]
            return sorted(found, key=lambda row: row.decided_at)

    def left(self, outcome: Outcome, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `LedgerSearch.left`; one row a page, since nobody may rest on a page's size."""
        with self.faults.around("left"):
            found = [r for r in self.tables.rows.values() if r.outcome is outcome and r.todo]
        for row in found:
            if row.decided_at < before:
                yield [row]
