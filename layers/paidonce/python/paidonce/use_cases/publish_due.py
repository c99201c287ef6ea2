"""Publish what is due: rows whose change should have been on the bus long ago.

The ledger's stream forgets after 24 hours and gives a failing record up before that; the rows keep
their markers, and this finds them by the index over the markers.
"""

from dataclasses import dataclass

from paidonce.domain.moment import iso
from paidonce.use_cases.outbox import Outbox
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.publish_changes import PublishChanges

# A page is one read, a few calls of the bus and an update for each row.
SECONDS_FOR_ONE_PAGE = 5.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """How many rows were due, how many of them failed; `is_all` when none is left unseen."""

    rows: int
    failed: int
    is_all: bool


@dataclass(frozen=True, kw_only=True)
class PublishDue:
    """What `reconcile` runs on its schedule. `due_after_seconds`: the stream had that long."""

    publish_changes: PublishChanges
    outbox: Outbox
    clock: Clock
    telemetry: Telemetry
    due_after_seconds: int

    def __call__(self, *, time_left: TimeLeft) -> Found:
        """Publish all that is due, or as much as there is time for; the next run finds the rest.

        Raises TryAgain when the index cannot be read.
        """
        rows = failed = 0
        before = iso(self.clock.now() - self.due_after_seconds)
        for page in self.outbox.due(before=before):
            rows += len(page)
            failed += len(self.publish_changes(page))
            if time_left() < SECONDS_FOR_ONE_PAGE:
                return self._told(Found(rows=rows, failed=failed, is_all=False))
        return self._told(Found(rows=rows, failed=failed, is_all=True))

    def _told(self, found: Found) -> Found:
        if found.rows:
            self.telemetry.count("ChangesPublishedLate", found.rows - found.failed)
            self.telemetry.fact("due changes seen to", rows=found.rows, failed=found.failed)
        return found
