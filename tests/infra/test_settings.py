"""stages.toml: what may stand there, and the sentence when something else does."""

import copy
from pathlib import Path

import pytest
import stripe

from infra.allowed import StageError, shown
from infra.stage import read_stage, stage_from
from tests.infra.sentences import TABLES, sentence
from tests.infra.templates import STAGES, Assemblies, setting_keys

# Written without their prefixes in one piece: the repository holds no key literal.
SECRET_KEY = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"
RESTRICTED_KEY = "rk_" + "test_" + "4eC39HqLyjWDarjtT1zdp7dc"
SIGNING_SECRET = "whsec_" + "4eC39HqLyjWDarjtT1zdp7dc"


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_the_stages_as_they_stand_are_right(name: str) -> None:
    stage = read_stage(STAGES, name)
    assert stage.name == name
    assert stage.livemode == (name == "prod")
    assert stage.stripe.api_version == stripe.api_version


@pytest.mark.parametrize("key", sorted(set(setting_keys()) - {"name"}))
def test_every_key_is_needed_and_has_a_rule(key: str) -> None:
    """Taken away it is missing; as a table it is something else than is allowed."""
    tables = copy.deepcopy(TABLES)
    place, _, last = key.rpartition(".")
    for table in (tables["defaults"], tables["prod"]):
        (table.get(place, {}) if place else table).pop(last, None)
    with pytest.raises(StageError, match=rf"^stages\.toml: prod\.{key} is missing; allowed is "):
        stage_from(tables, "prod")
    said = sentence("prod", f"{key} = [{{}}]")
    assert said.startswith(f"stages.toml: prod.{key} is [{{}}]; allowed is ")


@pytest.mark.parametrize("secret", [SECRET_KEY, RESTRICTED_KEY, SIGNING_SECRET, "AKIA" + "Q7" * 8])
@pytest.mark.parametrize("line", ['stripe.publishable_key = "{}"', '"{}" = 1', 'mode = ["{}"]'])
def test_what_looks_like_a_secret_is_never_printed(secret: str, line: str) -> None:
    said = sentence("dev", line.format(secret))
    assert secret not in said
    assert "(hidden, it looks like a secret)" in said


def test_a_secret_named_as_a_stage_or_in_broken_toml_is_not_printed(tmp_path: Path) -> None:
    with pytest.raises(StageError) as raised:
        read_stage(STAGES, SECRET_KEY)
    assert SECRET_KEY not in str(raised.value)
    path = tmp_path / "stages.toml"
    path.write_text(f"[{SECRET_KEY}]\n[{SECRET_KEY}]\n")
    with pytest.raises(StageError) as raised:
        read_stage(path, "dev")
    assert str(raised.value) == "stages.toml is not TOML at line 2, column 34."


@pytest.mark.parametrize("value", ["us-east-1", "https://api.stripe.com", "pk_live_abc", 42, True])
def test_an_ordinary_value_is_printed(value: object) -> None:
    assert "hidden" not in shown(value)


def test_a_stage_must_be_named_and_known(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="No stage is named; say -c stage=NAME, one of local, dev"):
        read_stage(STAGES, None)
    with pytest.raises(StageError, match='The stage "prud" is unknown; allowed are local, dev'):
        read_stage(STAGES, "prud")
    with pytest.raises(StageError, match='The stage "defaults" is unknown'):
        read_stage(STAGES, "defaults")
    with pytest.raises(StageError, match=r"stages\.toml is missing beside app\.py"):
        read_stage(tmp_path / "stages.toml", "prod")


def test_only_local_takes_another_stripe_from_the_command_line() -> None:
    stage = read_stage(STAGES, "local", stripe_api_url="http://127.0.0.1:4242")
    assert stage.stripe.api_url == "http://127.0.0.1:4242"
    with pytest.raises(StageError, match=r"-c stripe_api_url is for the stage local only"):
        read_stage(STAGES, "dev", stripe_api_url="http://127.0.0.1:4242")
    with pytest.raises(StageError, match=r"local\.stripe\.api_url is .* allowed is"):
        read_stage(STAGES, "local", stripe_api_url="http://10.0.0.1:4242")


def test_local_waits_seconds_where_prod_waits_minutes() -> None:
    local, prod = read_stage(STAGES, "local"), read_stage(STAGES, "prod")
    assert max(local.worker.wait_delays_seconds) <= 5
    assert local.worker.not_yet_known_max_seconds < prod.worker.not_yet_known_max_seconds
    assert local.rotation.retire_after_seconds < prod.rotation.retire_after_seconds


def test_no_setting_is_dead(assemblies: Assemblies) -> None:
    """Reading what no construct uses would be a promise that nobody keeps."""
    assemblies.of("local")
    assemblies.of("prod")
    assemblies.customised()
    assert set(setting_keys()) - assemblies.read == set()
