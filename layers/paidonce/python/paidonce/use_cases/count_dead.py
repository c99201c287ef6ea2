"""Count what is dead: a gauge that stays up until a person has replayed or discarded all of it."""

from dataclasses import dataclass

from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso, seconds
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft

# A row is one consistent read.
_SECONDS_FOR_A_ROW = 0.1


@dataclass(frozen=True, kw_only=True)
class CountDead:
    """Writes `DeadRows`, and `DeadRowsOldestSeconds`: since the oldest of them first came.

    That long its message may have been in the dead letters, which forget. `rows_max` bounds a run;
    one that is cut short says how many it saw, and nothing of their age.
    """

    search: LedgerSearch
    clock: Clock
    telemetry: Telemetry
    rows_max: int

    def __call__(self, *, time_left: TimeLeft) -> int:
        """How many there are, as far as they were counted. Raises TryAgain."""
        now = self.clock.now()
        seen, oldest = 0, 0
        for page in self.search.left(Outcome.DEAD, before=iso(now)):
            for row in page:
                if seen >= self.rows_max or time_left() < _SECONDS_FOR_A_ROW:
                    self._tell(seen)
                    return seen
                seen += 1
                oldest = max(oldest, _age(row, now=now))
        self.telemetry.count("DeadRows", seen)
        self.telemetry.count("DeadRowsOldestSeconds", oldest)
        return seen

    def _tell(self, seen: int) -> None:
        """Of a run that was cut short: none among those that were seen does not mean none."""
        if seen:
            self.telemetry.count("DeadRows", seen)


def _age(row: LedgerRow, *, now: float) -> int:
    return max(0, int(now - seconds(row.received_at or row.decided_at)))
