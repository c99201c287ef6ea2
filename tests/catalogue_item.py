"""One entry of the catalogue with its lock, as the fakes hold it."""

from dataclasses import dataclass, replace

from paidonce.use_cases.catalogue import Entry


@dataclass(frozen=True)
class CatalogueItem:
    """What is kept, until when one caller may fetch it, and how often it moved on."""

    kept: Entry | None = None
    claimed_until: int = 0
    revision: int = 0

    def moved_on(self, *, claimed_until: int = 0) -> "CatalogueItem":
        """One revision on, claimed or free."""
        return replace(self, claimed_until=claimed_until, revision=self.revision + 1)
