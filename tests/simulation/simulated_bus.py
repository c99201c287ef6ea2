"""The ways out as AWS shows them: the ledger's stream with Lambda's poller, and the bus."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.dice import Dice
from tests.simulation.simulated_sqs import SimulatedSqs

# stages.toml, publishing (a test compares), and infra/features/publishing.py.
STREAM_AGE_SECONDS, RETRIES_MAX, BATCH = 21_600, 10, 25


@dataclass
class Change:
    """One record of the stream. `row` is the ledger's row, as the store keeps it."""

    number: int
    row: Any
    at: float


class SimulatedStream:
    """One shard, in order: what fails is tried again in halves, and given up at last.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changes = 0
        self._tries = 0
        self._size = BATCH
        self.pending: list[Change] = []
        self.given_up: list[Change] = []

    def wrote(self, row: Any) -> None:
        """A row with a marker `publish` was written: the filter lets nothing else through."""
        self._changes += 1
        self.pending.append(Change(self._changes, row, self._clock()))

    def polled(self, size: int) -> list[Change]:
        """The next batch; records that are too old are given up."""
        oldest = self._clock() - STREAM_AGE_SECONDS
        while self.pending and self.pending[0].at < oldest:
            self.given_up.append(self.pending.pop(0))
        return self.pending[: min(size, self._size)]

    def finish(self, batch: Sequence[Change], failed: Sequence[int] | None) -> None:
        """After an invocation: on from the lowest number that failed; None: the function died."""
        done = [c for c in batch if failed is not None and c.number < min(failed, default=c.number)]
        if failed is not None and not failed:
            done = list(batch)
        if done:
            self._tries, self._size = 0, BATCH
        del self.pending[: len(done)]
        if len(done) == len(batch):
            return
        self._tries += 1
        self._size = max(1, (len(batch) - len(done)) // 2)
        if self._tries > RETRIES_MAX:
            self.given_up += self.pending[: self._size]
            del self.pending[: self._size]
            self._tries, self._size = 0, BATCH


class SimulatedBus:
    """EventBridge as its client shows it. `targets`: a rule's queues by detail-type."""

    def __init__(self, clock: Callable[[], float], dice: Callable[[], Dice]) -> None:
        self._clock = clock
        self._dice = dice
        self.targets: dict[str, list[SimulatedSqs]] = {}
        self.heard: dict[str, dict[str, Any]] = {}
        self.wrong: list[str] = []
        self.copies = 0
        self.is_calm = False

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        """Each entry is taken or not; a refusal is no exception."""
        answers = [self._put(entry) for entry in Entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _put(self, entry: Mapping[str, str]) -> dict[str, str]:
        dice = self._dice()
        if not self.is_calm and dice.upto(12) == 0:
            code = ("ThrottlingException", "InternalFailure", "NotAuthorized")[dice.upto(3)]
            return {"ErrorCode": code, "ErrorMessage": "simulated"}
        kind, detail = entry["DetailType"], json.loads(entry["Detail"])
        # A replay tells what the bus has not heard yet in its own name.
        told = {**detail, "correlation_id": None}
        known = self.heard.setdefault(detail["id"], told)
        # Each event of one stray intent tells of it under the same id, until the row moves on.
        if known != told and kind != "payment.stray_intent":
            self.wrong.append(f"told: {detail['id']} was told in two ways")
        queues = self.targets.get(kind, ())
        if queues:
            envelope = json.dumps(
                {"detail-type": kind, "source": entry["Source"], "detail": detail}
            )
            # At least once: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html
            copies = 2 if dice.upto(10) == 0 else 1
            self.copies += copies - 1
            for queue in list(queues) * copies:
                queue.send_message(QueueUrl="", MessageBody=envelope, MessageAttributes={})
        return {"EventId": detail["id"]}
