"""Have read again what differs from Stripe: through the same queue and rules as an event."""

from collections.abc import Sequence
from dataclasses import dataclass

from paidonce.domain.drift import Drift
from paidonce.domain.reading import Reading
from paidonce.use_cases.ports import Clock
from paidonce.use_cases.references import Reference, References

# The field of a drift that is an event's row in the ledger.
_LEDGER = "ledger"


@dataclass(frozen=True, kw_only=True)
class ReadAgain:
    """Nothing here writes a row."""

    references: References
    clock: Clock
    livemode: bool

    def __call__(self, drifts: Sequence[Drift]) -> list[str]:
        """The names of what was asked for, as the ledger will call it. Raises TryAgain."""
        named = self.named(drifts)
        for name, event_type in named.items():
            self.references.send(
                Reference(
                    name=name,
                    event_type=event_type,
                    livemode=self.livemode,
                    correlation_id=f"drift-{name}",
                )
            )
        return list(named)

    def named(self, drifts: Sequence[Drift]) -> dict[str, str]:
        """What can be asked for, and its type: each object once, however many fields differ.

        An event whose row waits, fails or is dead is left to those who see to such rows, or to a
        person.
        """
        as_of = int(self.clock.now())
        found: dict[str, str] = {}
        for one in drifts:
            if one.field != _LEDGER:
                found[Reading(object_id=one.object_id, as_of=as_of).name] = "reading"
            elif one.ours is None:
                found[one.object_id] = one.stripes or "unknown"
        return found
