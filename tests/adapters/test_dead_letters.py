"""One contract of a queue's dead letters, over the fake and SQS."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from paidonce.adapters.sqs_dead_letters import SqsDeadLetters
from paidonce.use_cases.dead_letter_port import DeadLetter, DeadLetters

from tests.adapters.places import Place
from tests.fakes import Sent
from tests.fakes_dead_letters import FakeDeadLetters

ATTRIBUTES = {"event_id": "evt_1", "reason": "failed"}


@dataclass
class Desk:
    """The dead letters, how one gets there, and what came back into the queue."""

    letters: DeadLetters
    bury: Callable[[str], object]
    came_back: Callable[[], list[Sent]]

    def bodies(self) -> list[str]:
        """Looked at, and shown again."""
        found = list(self.letters.look())
        self.letters.show(found)
        return sorted(letter.body for letter in found)


@pytest.fixture
def desk(place: Place | None) -> Desk:
    if place is None:
        fake = FakeDeadLetters()
        return Desk(fake, lambda body: _bury(fake, body), lambda: fake.sent)
    sqs, dead, queue = place.client("sqs"), place.queue(), place.queue()
    attributes = {k: {"DataType": "String", "StringValue": v} for k, v in ATTRIBUTES.items()}

    def came_back() -> list[Sent]:
        found = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
        return [
            Sent(m["Body"], {k: v["StringValue"] for k, v in m["MessageAttributes"].items()})
            for m in found.get("Messages", [])
        ]

    return Desk(
        SqsDeadLetters(sqs, dead_letter_queue_url=dead, queue_url=queue, wait_seconds=0),
        lambda body: sqs.send_message(
            QueueUrl=dead, MessageBody=body, MessageAttributes=attributes
        ),
        came_back,
    )


def _bury(fake: FakeDeadLetters, body: str) -> None:
    name = f"m{len(fake.letters)}"
    fake.letters[name] = DeadLetter(
        message_id=name,
        receipt_handle=name,
        body=body,
        attributes=ATTRIBUTES,
        sent_at="2026-09-21T13:33:30.000Z",
    )


def test_each_is_seen_once_with_what_it_carries(desk: Desk) -> None:
    for n in range(13):
        desk.bury(f"body {n:02}")
    found = list(desk.letters.look())
    assert sorted(letter.body for letter in found) == [f"body {n:02}" for n in range(13)]
    assert {letter.event_id for letter in found} == {"evt_1"}
    assert found[0].attributes == ATTRIBUTES
    assert found[0].sent_at.endswith("Z")
    assert list(desk.letters.look()) == []


def test_what_was_only_looked_at_is_seen_again(desk: Desk) -> None:
    desk.bury("one")
    assert desk.bodies() == ["one"]
    assert desk.bodies() == ["one"]


def test_a_letter_is_sent_back_and_stays_until_it_is_deleted(desk: Desk) -> None:
    desk.bury("one")
    (letter,) = desk.letters.look()
    desk.letters.send_back(letter, {"event_id": "evt_1", "replay_id": "r-1"})
    assert desk.came_back() == [Sent("one", {"event_id": "evt_1", "replay_id": "r-1"})]
    desk.letters.show([letter])
    assert desk.bodies() == ["one"]
    (letter,) = desk.letters.look()
    desk.letters.delete(letter)
    desk.letters.show([])
    assert desk.bodies() == []
