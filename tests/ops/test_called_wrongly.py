"""What an operator gets wrong at three in the morning is one sentence, and changes nothing."""

from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from typer.testing import CliRunner

from ops.app import app
from ops.errors import what_to_do
from tests.ops.a_stage import AStage


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["events", "ls", "--outcome", "lost"], "one of waiting, failing, dead"),
        (["dlq", "ls", "--queue", "mail"], "The queues are events and operations"),
        (["verify", "--since", "yesterday"], "--since takes 90m, 24h, 3d"),
        (["verify", "--since", "2999-01-01"], "still to come"),
        (["reconcile", "--since", "31d"], "Stripe lists 30 days"),
        (["replay", "--since", "1h", "--type", "payment_intent.suceeded"], "No rule decides"),
    ],
)
def test_a_word_that_means_nothing_is_one_line_and_exit_code_2(
    stage: AStage, words: list[str], says: str
) -> None:
    stage.is_set_up()
    ended = stage.paidonce(*words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["why", ""],
        ["events", "show", ""],
        ["dlq", "show", ""],
        ["forget", ""],
        ["replay", "--since", "1h", "--per-second", "0"],
        ["dlq", "replay", "--per-second", "51"],
    ],
)
def test_no_id_and_no_pace_are_seen_before_anything_is_asked(words: list[str]) -> None:
    ended = CliRunner().invoke(app, ["--endpoints", "nowhere", *words])
    assert ended.exit_code == 2
    assert "Invalid value" in ended.stderr


@pytest.mark.parametrize("written", ["", "{}", '{"outputs": {}}'])
def test_a_torn_file_of_the_local_cloud_is_a_sentence(tmp_path: Path, written: str) -> None:
    torn = tmp_path / "endpoints.json"
    torn.write_text(written)
    ended = CliRunner().invoke(app, ["--endpoints", str(torn), "why", "pay_1"])
    assert ended.exit_code == 1
    assert "is not what `make up` writes" in ended.stderr


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), "`make up`"),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:9"), "`make up`"),
        (NoCredentialsError(), "`aws sts get-caller-identity`"),
    ],
)
def test_an_aws_that_cannot_be_asked_leads_to_what_is_missing(
    error: BotoCoreError, says: str
) -> None:
    assert says in what_to_do(error)


def test_nobody_there_to_say_yes_is_told_how_to_say_it(stage: AStage) -> None:
    stage.is_set_up()
    for command in ("replay", "discard"):
        words = ["--reason", "a test"] if command == "discard" else []
        ended = stage.paidonce("dlq", command, *words)
        assert ended.exit_code == 1
        assert "\nSay --yes" in ended.stderr


def test_no_events_to_replay_is_said_and_nobody_is_asked(stage: AStage) -> None:
    stage.is_set_up()
    ended = stage.paidonce("replay", "--since", "1h")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "nothing was sent" in ended.stdout
