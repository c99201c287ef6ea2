"""What publishing asks of the world: the bus, and the ledger's rows that it has not heard of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from paidonce.domain.announcement import Announcement
from paidonce.domain.ledger import LedgerRow


class EventBus(Protocol):
    """Where domain events are told."""

    def put(self, announcements: Sequence[Announcement]) -> Mapping[str, str]:
        """Put any number of them; answers those that were not taken: id → the bus's own code.

        Raises TryAgain when the bus does not answer: some may have been put then.
        """
        ...


class Outbox(Protocol):
    """The ledger's rows whose domain events are not known to be on the bus."""

    def settle(self, row: LedgerRow) -> bool:
        """Take the marker `publish` off the row and let it expire, if it is still as decided.

        False when it is not: it was settled before, or decided anew and keeps its marker.
        Raises TryAgain when throttled.
        """
        ...

    def due(self, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """Pages of rows whose marker was set before this moment (ISO 8601), as they stand now.

        Each page is read when it is asked for; who asks for some pages only gets others the next
        time. Raises TryAgain when throttled.
        """
        ...
