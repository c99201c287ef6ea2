"""One version of each library: what is tested is what is deployed."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.tree import ROOT

PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;#]+)(?:\s+#.*)?\Z")


def pins(lines: Iterable[str]) -> dict[str, str]:
    """Versions by name (PEP 503: no case, one separator); every line must be a pin."""
    found = {}
    for line in lines:
        if line.strip() and not line.startswith("#"):
            match = PIN.match(line.strip())
            assert match, f"not pinned: {line}"
            found[re.sub(r"[-_.]+", "-", match["name"]).lower()] = match["version"]
    return found


def pins_of(path: str) -> dict[str, str]:
    return pins((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_the_layer_has_the_versions_that_are_tested() -> None:
    layer = pins_of("layers/dependencies/requirements.txt")
    tested = pins_of("constraints.txt") | pins_of("requirements.txt")
    assert layer == {name: tested.get(name) for name in layer}


def test_constraints_and_requirements_agree() -> None:
    required, constrained = pins_of("requirements.txt"), pins_of("constraints.txt")
    assert {name: constrained.get(name) for name in required} == required


def test_the_layer_holds_all_that_the_functions_use() -> None:
    """It is installed without dependencies, so what is not named is not there."""
    layer = pins_of("layers/dependencies/requirements.txt")
    assert {"aws-lambda-powertools", "pydantic", "stripe", "tenacity"} <= layer.keys()


@pytest.mark.parametrize("line", ["stripe", "stripe>=16", "stripe~=16.1", "stripe==16.1.0, <17"])
def test_a_loose_requirement_would_be_found(line: str) -> None:
    with pytest.raises(AssertionError):
        pins([line])


def test_no_path_is_missing() -> None:
    assert Path(ROOT / "layers/dependencies/requirements.txt").is_file()
