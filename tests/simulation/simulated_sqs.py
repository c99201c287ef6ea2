"""SQS as its client shows it: delay, visibility, receive counts, retention, redrive, copies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

RETENTION_SECONDS = 4 * 86_400
EVENTS, OPERATIONS, DEAD_LETTERS = "events", "operations", "dead-letters"


@dataclass
class Message:
    """One message; `visible_at` and `sent_at` in the world's seconds."""

    id: str
    body: str
    attributes: Mapping[str, Any]
    sent_at: float
    visible_at: float
    receive_count: int = 0

    @property
    def event_id(self) -> str:
        """The event that it is about; else its body says what it is about."""
        attribute = self.attributes.get("event_id")
        return str(attribute["StringValue"]) if attribute else self.body


def refused(code: str, operation: str) -> ClientError:
    """An error as boto3 raises it."""
    return ClientError({"Error": {"Code": code, "Message": "simulated"}}, operation)


class SimulatedSqs:
    """One queue and its dead letters. `receives_max`: then a message is a dead letter."""

    def __init__(
        self, clock: Callable[[], float], *, visibility_seconds: int, receives_max: int
    ) -> None:
        self._clock = clock
        self._visibility_seconds = visibility_seconds
        self._receives_max = receives_max
        self.messages: dict[str, Message] = {}
        self.dead: list[Message] = []
        self.expired: set[str] = set()
        self._sent = 0

    # --- as boto3's client ----------------------------------------------------------------------

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - boto3's own names
        MessageBody: str,  # noqa: N803
        MessageAttributes: Mapping[str, Any],  # noqa: N803
        DelaySeconds: int = 0,  # noqa: N803
    ) -> None:
        """Send one; what SQS refuses is refused."""
        if len(MessageAttributes) > 10 or not 0 <= DelaySeconds <= 900:
            raise refused("InvalidParameterValue", "SendMessage")
        self._sent += 1
        now = self._clock()
        message = Message(f"m{self._sent}", MessageBody, MessageAttributes, now, now + DelaySeconds)
        if QueueUrl == DEAD_LETTERS:
            self.dead.append(message)
        else:
            self.messages[message.id] = message

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803, ARG002 - boto3's own names
        """Delete some; a handle of an older receive still works on a standard queue."""
        for entry in Entries:
            self.messages.pop(entry["ReceiptHandle"].partition("/")[0], None)
        return {"Successful": [], "Failed": []}

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803, ARG002 - boto3's own names
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> None:
        """Let a message come back after so many seconds."""
        message = self.messages.get(ReceiptHandle.partition("/")[0])
        if message is not None:
            message.visible_at = self._clock() + VisibilityTimeout

    # --- as the event source --------------------------------------------------------------------

    def received(self, *, size: int, pick: int) -> list[dict[str, Any]]:
        """Up to `size` visible messages, beginning at any, as records of a Lambda event."""
        self._expire()
        now = self._clock()
        visible = [m for m in self.messages.values() if m.visible_at <= now]
        if not visible:
            return []
        start = pick % len(visible)
        found = (visible[start:] + visible[:start])[:size]
        if pick % 3 == 1:
            found.reverse()
        return [self._record(m) for m in found if self._is_still_worth_a_try(m)]

    def _is_still_worth_a_try(self, message: Message) -> bool:
        message.receive_count += 1
        message.visible_at = self._clock() + self._visibility_seconds
        if message.receive_count <= self._receives_max:
            return True
        del self.messages[message.id]
        self.dead.append(message)
        return False

    def _record(self, message: Message) -> dict[str, Any]:
        return {
            "messageId": message.id,
            "receiptHandle": f"{message.id}/{message.receive_count}",
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
            "messageAttributes": {
                name: {"stringValue": value["StringValue"], "dataType": "String"}
                for name, value in message.attributes.items()
            },
        }

    def finish(self, handled: Sequence[str], failed: frozenset[str]) -> None:
        """What the event source does after an invocation: delete all but the failed ones."""
        for message_id in handled:
            if message_id not in failed:
                self.messages.pop(message_id, None)

    def show_again(self, message_id: str) -> None:
        """At least once: a message that is being worked on shows up a second time."""
        message = self.messages.get(message_id)
        if message is not None:
            message.visible_at = self._clock()

    def _expire(self) -> None:
        oldest = self._clock() - RETENTION_SECONDS
        for message in [m for m in self.messages.values() if m.sent_at < oldest]:
            del self.messages[message.id]
            self.expired.add(message.event_id)

    @property
    def given_up(self) -> str:
        """The bodies of dead letters, and of what was not seen to in four days."""
        return "".join([*(message.body for message in self.dead), *self.expired])

    def next_visible_at(self) -> float | None:
        """When the next message can be received; None when there is none."""
        self._expire()
        return min((m.visible_at for m in self.messages.values()), default=None)
