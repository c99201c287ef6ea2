"""The events queue for everybody but the receiver: ids alone, never what somebody calls an event.

Only the receiver has verified a payload. All others name an event or an object, and the worker
reads it from Stripe.
"""

import json
from dataclasses import dataclass
from typing import Protocol

from paidonce.domain.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One event, or one reading, by its name. `replay_id` makes it an operator's replay.

    `name` is the event's id, or the reading's; anything else is refused with a ValueError.
    """

    name: str
    event_type: str
    livemode: bool
    correlation_id: str
    replay_id: str | None = None
    is_forced: bool = False

    @property
    def body(self) -> str:
        """As the worker's entrance reads it."""
        if reading := Reading.of_name(self.name):
            return reading.message()
        if not self.name.startswith("evt_"):
            raise ValueError(f"{self.name} is no event and no reading")
        return json.dumps({"kind": "event", "schema": 1, "id": self.name})

    @property
    def attributes(self) -> dict[str, str]:
        """Beside `received_at`, as the receiver gives them."""
        replay = {"replay_id": self.replay_id} if self.replay_id else {}
        return {
            "event_id": self.name,
            "event_type": self.event_type,
            "livemode": "true" if self.livemode else "false",
            "correlation_id": self.correlation_id,
            **replay,
            **({"replay_force": "true"} if replay and self.is_forced else {}),
        }


class References(Protocol):
    """The queue."""

    def send(self, reference: Reference) -> None:
        """Returns only when the queue has it. Raises TryAgain."""
        ...
