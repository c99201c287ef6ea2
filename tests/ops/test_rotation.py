"""How the command line hears of a rotation's end: from the labels, and from the function's log."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from paidonce.domain.rotation import CURRENT, PENDING

from ops.errors import OpsError
from ops.rotation import Ended, Outcome, Rotations
from tests.fakes import FakeClock

TOKEN, OLD = "t" * 32, "o" * 32
WHY = "keys/refunds: the key lacks Charges and Refunds: Write"
Labels = Mapping[str, str]


@dataclass
class Somewhere:
    """Secrets Manager and CloudWatch, as the seconds pass: the last of each list stays."""

    labels_seen: list[Labels]
    lines: list[list[str]] = field(default_factory=lambda: [[]])
    clock: FakeClock = field(default_factory=FakeClock)
    manager: Any = None

    # What `Rotations` asks of AtStripe, Place, a secret and a client of CloudWatch Logs.

    @property
    def place(self) -> "Somewhere":
        return self

    @property
    def secrets_manager(self) -> Any:
        return self.manager

    def versions(self, _name: str) -> "Somewhere":
        return self

    def labels(self) -> Labels:
        return self.labels_seen.pop(0) if len(self.labels_seen) > 1 else self.labels_seen[0]

    def output(self, name: str) -> str:
        return name

    def arn(self, name: str) -> str:
        return f"arn:{name}"

    def client(self, _service: str) -> "Somewhere":
        return self

    def filter_log_events(self, **asked: Any) -> Any:
        assert asked["filterPattern"] == f'"{TOKEN}"'
        lines = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        return {"events": [{"message": line} for line in lines]}


BEFORE: Labels = {CURRENT: OLD}
DURING: Labels = {CURRENT: OLD, PENDING: TOKEN}
AFTER: Labels = {CURRENT: TOKEN}
TOLD = json.dumps({"message": "rotation refused", "why": WHY, "rotation": TOKEN})


def ended(there: Any, seconds: float = 60) -> Ended:
    return Rotations(there).ended("refunds", TOKEN, seconds=seconds)


def test_a_promoted_version_is_in_use() -> None:
    assert ended(Somewhere([DURING, DURING, AFTER])).outcome is Outcome.IN_USE


def test_a_rotation_that_begins_late_is_waited_for() -> None:
    assert ended(Somewhere([BEFORE, BEFORE, DURING, AFTER])).outcome is Outcome.IN_USE


def test_a_refusal_is_told_with_the_functions_own_sentence_as_soon_as_it_is_shown() -> None:
    there = Somewhere([DURING, BEFORE], [[], ["START", "[1]"], [TOLD]])
    began = there.clock.now()
    assert ended(there) == Ended(outcome=Outcome.REFUSED, why=WHY)
    assert there.clock.now() - began < 5


def test_a_refusal_without_words_is_one_after_a_while() -> None:
    assert ended(Somewhere([DURING, BEFORE])) == Ended(outcome=Outcome.REFUSED)


def test_what_does_not_end_is_still_running() -> None:
    assert ended(Somewhere([DURING]), seconds=5).outcome is Outcome.RUNNING


def test_a_rotation_that_cannot_start_is_a_sentence_with_secrets_managers_reason() -> None:
    manager = boto3.client(
        "secretsmanager", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stub = Stubber(manager)
    stub.add_client_error(
        "rotate_secret", "InvalidRequestException", "A previous rotation isn't complete."
    )
    there: Any = Somewhere([BEFORE], manager=manager)
    with stub, pytest.raises(OpsError, match="A previous rotation isn't complete") as refusal:
        Rotations(there).start("refunds")
    assert "What is staged stays so" in str(refusal.value)
