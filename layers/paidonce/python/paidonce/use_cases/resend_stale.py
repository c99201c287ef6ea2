"""Send again what waits or fails and that nobody has touched for long: its message may be lost."""

from dataclasses import dataclass

from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.references import Reference, References

# A row is one consistent read and one message.
_SECONDS_FOR_A_ROW = 0.1
# Events and readings.
_OF_THE_QUEUE = ("evt_", "read#")


@dataclass(frozen=True, kw_only=True)
class ResendStale:
    """Never what is dead: that is for a person. `rows_max` bounds a run; the next finds the rest.

    Calls of ours (`answer#…`) are left to their own queue, which keeps them for days, and to their
    dead letters.
    """

    search: LedgerSearch
    references: References
    clock: Clock
    telemetry: Telemetry
    stale_after_seconds: int
    rows_max: int

    def __call__(self, *, time_left: TimeLeft) -> int:
        """How many were sent. Raises TryAgain: those that were sent are only sent again."""
        before = iso(self.clock.now() - self.stale_after_seconds)
        sent = 0
        for outcome in (Outcome.WAITING, Outcome.FAILING):
            for page in self.search.left(outcome, before=before):
                for row in page:
                    if sent >= self.rows_max or time_left() < _SECONDS_FOR_A_ROW:
                        return sent
                    sent += self._sent(row)
        return sent

    def _sent(self, row: LedgerRow) -> bool:
        if not row.event_id.startswith(_OF_THE_QUEUE):
            return False
        self.references.send(
            Reference(
                name=row.event_id,
                event_type=row.event_type,
                livemode=row.livemode,
                correlation_id=row.correlation_id or f"stale-{row.event_id}",
            )
        )
        self.telemetry.count("StaleEventsQueued")
        self.telemetry.fact(
            "stale event queued",
            event_id=row.event_id,
            event_type=row.event_type,
            outcome=row.outcome.value,
            correlation_id=row.correlation_id,
        )
        return True
