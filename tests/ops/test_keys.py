"""`paidonce keys`, without a rotation function: what is typed, shown, asked and refused."""

import json

import pytest
import typer
from paidonce.domain import permissions

from ops.app import app
from ops.place import SECRETS
from tests.ops.a_stage import AStage


def test_ls_shows_ages_states_and_last_use(stage: AStage) -> None:
    stage.is_set_up()
    stage.holds("payments", stage.document("payments")["key"], "2026-01-01T00:00:00Z")
    stage.writes("reader", {"key": "rk_test_x", "created": None}, label="STAGED")
    rows = {one["secret"]: one for one in json.loads(stage.paidonce("keys", "ls", "--json").stdout)}
    assert set(rows) == set(SECRETS)
    assert rows["payments"]["age"] > 300
    assert rows["payments"]["limit"] == 90
    assert rows["reader"]["state"] == "in use, another is staged"
    assert rows["signing"]["state"] == "in use"
    shown = stage.paidonce("keys", "ls")
    assert shown.exit_code == 0
    assert "last read" in shown.stdout


def test_ls_on_a_fresh_stage_shows_placeholders(stage: AStage) -> None:
    rows = json.loads(stage.paidonce("keys", "ls", "--json").stdout)
    assert {one["state"] for one in rows} == {"placeholder"}


def test_no_command_takes_a_key_as_an_argument(stage: AStage) -> None:
    """It would stand in the shell's history, and in every list of processes."""
    group = typer.main.get_command(app)
    keys = group.commands["keys"]  # type: ignore[attr-defined] # a group, as typer makes it
    for name in ("stage", "rotate"):
        named = {parameter.name for parameter in keys.commands[name].params}
        assert not {"key", "secret", "value"} & named
    assert stage.paidonce("keys", "stage", "refunds", "rk_test_x").exit_code == 2


def test_a_secret_rolled_in_the_dashboard_takes_the_place_of_the_old_one(stage: AStage) -> None:
    stage.is_set_up()
    (entry,) = stage.document("signing")["endpoints"]
    rolled = stage.control("POST", f"endpoints/{entry['id']}/roll")["secret"]
    command = ("keys", "stage", "signing", "--endpoint")
    ended = stage.paidonce(*command, entry["id"], typed=f"{rolled}\n")
    assert ended.exit_code == 0, ended.output
    (after,) = stage.document("signing")["endpoints"]
    assert after == entry | {"secret": rolled}
    wrong = stage.paidonce(*command, "we_nobody", typed=rolled)
    assert wrong.exit_code == 1
    assert f"no endpoint we_nobody; it has {entry['id']}" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "typed", "exits", "says"),
    [
        (["stage", "nobody"], "", 2, "There is no secret nobody"),
        (["stage", "signing"], "", 1, "rotates by itself"),
        (["stage", "refunds"], "\n", 1, "Nothing was given"),
        (["rotate", "refunds"], "", 1, "Say --yes"),
        (["rotate", "refunds"], "n\n", 1, "Nothing was done"),
        (["rotate", "signing", "--now", "--yes"], "", 1, "docs/operate.md"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    stage: AStage, words: list[str], typed: str, exits: int, says: str
) -> None:
    ended = stage.paidonce("keys", *words, typed=typed)
    assert ended.exit_code == exits
    assert says in ended.stderr


def test_a_manifest_row_for_each_key_that_has_a_secret() -> None:
    assert set(permissions.KEYS) | {"signing"} == set(SECRETS)
