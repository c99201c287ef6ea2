"""The bus and the outbox in memory; the outbox is over the ledger of the other fakes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from paidonce.domain.announcement import Announcement
from paidonce.domain.ledger import PARTITIONS, PUBLISH, LedgerRow, marker

from tests.fakes import Faults, Tables


class FakeEventBus:
    """`EventBus` that keeps what it was told; `refuses` are ids → the code that they get."""

    def __init__(self) -> None:
        self.told: list[Announcement] = []
        self.refuses: dict[str, str] = {}
        self.faults = Faults()

    def put(self, announcements: Sequence[Announcement]) -> Mapping[str, str]:
        """See `EventBus.put`."""
        with self.faults.around("put"):
            named = {one.id for one in announcements}
            self.told += [one for one in announcements if one.id not in self.refuses]
            return {i: code for i, code in self.refuses.items() if i in named}

    @property
    def ids(self) -> list[str]:
        """Ids in the order in which they were told, repeats included."""
        return [one.id for one in self.told]


class FakeOutbox:
    """`Outbox` over dictionaries."""

    def __init__(self, tables: Tables, *, page_rows: int = 25) -> None:
        self.tables = tables
        self.faults = Faults()
        self._page_rows = page_rows

    def settle(self, row: LedgerRow) -> bool:
        """See `Outbox.settle`."""
        with self.faults.around("settle"):
            stored = self.tables.rows.get(row.event_id)
            if stored is None or stored.decided_at != row.decided_at or not _is_marked(stored):
                return False
            self.tables.rows[row.event_id] = replace(stored, is_published=True)
            return True

    def due(self, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `Outbox.due`."""
        for partition in PARTITIONS:
            with self.faults.around("due"):
                found = sorted(
                    (row.decided_at, row.event_id)
                    for row in self.tables.rows.values()
                    if row.todo == marker(PUBLISH, partition) and row.decided_at < before
                )
            for start in range(0, len(found), self._page_rows):
                named = [event_id for _, event_id in found[start : start + self._page_rows]]
                page = [self.tables.rows[i] for i in named if _is_marked(self.tables.rows[i])]
                if page:
                    yield page


def _is_marked(row: LedgerRow) -> bool:
    return (row.todo or "").startswith(f"{PUBLISH}#")
