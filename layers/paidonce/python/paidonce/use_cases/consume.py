"""Consume domain events: each has its effect once, however often the bus or the queue brings it.

The frame that every consumer of ours has around what it does (docs/extend.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paidonce.domain.announcement import Announcement
from paidonce.use_cases.ports import Lease, Telemetry


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of a consumer's queue: EventBridge's envelope."""

    message_id: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Consume:
    """`act` does the work of one domain event; `once` names what may be done only once."""

    lease: Lease
    telemetry: Telemetry
    act: Callable[[Announcement], None]
    once: Callable[[Announcement], str] = lambda told: told.id

    def __call__(self, messages: Sequence[Message]) -> set[str]:
        """See to all of them; answers the message ids that must come again."""
        return {message.message_id for message in messages if not self._record(message)}

    def _record(self, message: Message) -> bool:
        """One message at its own edge: is it done?"""
        told: Announcement | None = None
        try:
            told = Announcement.parse(message.body)
            self._tell(told, is_new=self._done(told))
        except Exception as error:  # noqa: BLE001 - the record's edge (house.md section 5)
            self.telemetry.count("ConsumerFailures")
            self.telemetry.fault(
                "domain event not consumed",
                error,
                message_id=message.message_id,
                domain_event_id=told.id if told else None,
                correlation_id=told.correlation_id if told else None,
            )
            return False
        return True

    def _done(self, told: Announcement) -> bool:
        """False when it was done before. Raises TryAgain while somebody else is at it."""
        return self.lease.hold(self.once(told), lambda: self.act(told))

    def _tell(self, told: Announcement, *, is_new: bool) -> None:
        self.telemetry.count("EventsConsumed" if is_new else "RepeatsSkipped")
        self.telemetry.fact(
            "domain event consumed" if is_new else "domain event was consumed before",
            domain_event_id=told.id,
            aggregate_id=told.object.get("id"),
            stripe_event_id=told.stripe_event_id,
            correlation_id=told.correlation_id,
        )
