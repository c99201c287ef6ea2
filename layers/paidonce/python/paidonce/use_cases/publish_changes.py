"""Publish changes: put the domain events of ledger rows on the bus, then take off their markers.

Whatever is done twice is done under the same ids: a crash between the two steps only means that the
same events are put again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.ownership import Stage
from paidonce.use_cases.outbox import EventBus, Outbox
from paidonce.use_cases.ports import Telemetry

# What is counted by its own name as well: how payments end.
_COUNTED_AS = {"payment.paid": "PaymentsPaid", "payment.failed": "PaymentsFailed"}


class NotTakenError(Exception):
    """The bus did not take an event; its text is the bus's code for why."""


@dataclass(frozen=True, kw_only=True)
class PublishChanges:
    """The verb behind the ledger's stream, and behind the reconciler's look for what is due."""

    bus: EventBus
    outbox: Outbox
    telemetry: Telemetry
    stage: Stage

    def __call__(self, rows: Sequence[LedgerRow]) -> set[str]:
        """Publish all of them; answers the event ids of rows that must come again."""
        told = [(row, announcements_of(row, self.stage)) for row in rows]
        try:
            refused = self.bus.put([one for _, announced in told for one in announced])
        except Exception as error:  # noqa: BLE001 - the batch's edge: nobody knows which were put
            for row in rows:
                self._failed(row, error)
            return {row.event_id for row in rows}
        return {row.event_id for row, announced in told if not self._done(row, announced, refused)}

    def _done(
        self, row: LedgerRow, announced: Sequence[Announcement], refused: Mapping[str, str]
    ) -> bool:
        """One row at its own edge: is it done?"""
        codes = [refused[one.id] for one in announced if one.id in refused]
        if codes:
            self._failed(row, NotTakenError(codes[0]), code=codes[0])
            return False
        try:
            is_settled = self.outbox.settle(row)
        except Exception as error:  # noqa: BLE001 - the record's edge (house.md section 5)
            self._failed(row, error)
            return False
        self.telemetry.count("ChangesPublished", len(announced))
        for one in announced:
            if metric := _COUNTED_AS.get(one.type):
                self.telemetry.count(metric)
            self.telemetry.fact(
                "change published",
                domain_event_id=one.id,
                event_id=row.event_id,
                aggregate_id=row.aggregate_id,
                correlation_id=row.correlation_id,
                marker="taken off" if is_settled else "is another's",
            )
        return True

    def _failed(self, row: LedgerRow, error: Exception, *, code: str | None = None) -> None:
        self.telemetry.count("PublishFailures")
        self.telemetry.fault(
            "change not published",
            error,
            event_id=row.event_id,
            aggregate_id=row.aggregate_id,
            correlation_id=row.correlation_id,
            code=code,
        )
