"""A queue's dead letters as an operator sees them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One message that was given up. `sent_at` is its first send (ISO 8601); its age counts on."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    sent_at: str

    @property
    def event_id(self) -> str | None:
        """The event, reading or operation that it is about, as its sender named it."""
        return self.attributes.get("event_id")


class DeadLetters(Protocol):
    """The dead letters of one queue. Everything raises TryAgain when SQS does not answer."""

    def look(self) -> Iterator[DeadLetter]:
        """Each of them once. What was looked at is hidden from others for some minutes."""
        ...

    def show(self, letters: Sequence[DeadLetter]) -> None:
        """Let others see again what was only looked at."""
        ...

    def send_back(self, letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """Send the body to the queue that it came from; returns only when that has it."""
        ...

    def delete(self, letter: DeadLetter) -> None:
        """Take it away for good."""
        ...
