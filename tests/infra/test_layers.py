"""The dependency layer: built by pip, kept by the hash of what decides it, never half there."""

import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.blocks import layers
from infra.blocks.layers import REQUIREMENTS, LayerError, Target, build_dependencies

HOST = Target(architecture="x86_64", python="3.11", on_host=True)
ARM = Target(architecture="arm64", python="3.14", on_host=False)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in place of the package index."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def put_wheel(shelf: Path, tag: str) -> None:
    with zipfile.ZipFile(shelf / f"tiny-1.0-py3-none-{tag}.whl", "w") as wheel:
        folder = "tiny-1.0.dist-info"
        wheel.writestr("tiny/__init__.py", "SIZE = 1\n")
        wheel.writestr(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(f"{folder}/WHEEL", f"Wheel-Version: 1.0\nTag: py3-none-{tag}\n")
        wheel.writestr(f"{folder}/entry_points.txt", "[console_scripts]\ntiny = tiny:SIZE\n")
        wheel.writestr(f"{folder}/RECORD", "")


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("tiny==1.0\n")
    return path


@pytest.mark.parametrize(("target", "tag"), [(HOST, "any"), (ARM, "manylinux2014_aarch64")])
def test_wheels_of_the_target_are_unpacked_and_nothing_of_this_machine(
    shelf: Path, requirements: Path, tmp_path: Path, target: Target, tag: str
) -> None:
    put_wheel(shelf, tag)
    built = build_dependencies(target, requirements=requirements, into=tmp_path / "built")
    assert (built / "python" / "tiny" / "__init__.py").is_file()
    assert not (built / "python" / "bin").exists()
    assert not list(built.rglob("__pycache__"))


def test_the_same_is_not_built_again(
    shelf: Path, requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_wheel(shelf, "any")
    first = build_dependencies(HOST, requirements=requirements, into=tmp_path / "built")
    monkeypatch.setattr(layers, "_install", None)
    assert build_dependencies(HOST, requirements=requirements, into=tmp_path / "built") == first


def test_requirements_and_target_decide_the_name(
    shelf: Path, requirements: Path, tmp_path: Path
) -> None:
    put_wheel(shelf, "any")
    into = tmp_path / "built"
    first = build_dependencies(HOST, requirements=requirements, into=into)
    assert build_dependencies(ARM, requirements=requirements, into=into) != first
    requirements.write_text("tiny==1.0  # again\n")
    assert build_dependencies(HOST, requirements=requirements, into=into) != first


def test_a_wheel_that_is_not_there_is_named_in_one_line(
    shelf: Path, requirements: Path, tmp_path: Path
) -> None:
    put_wheel(shelf, "manylinux2014_x86_64")
    with pytest.raises(LayerError) as raised:
        build_dependencies(ARM, requirements=requirements, into=tmp_path / "built")
    assert str(raised.value) == (
        "The dependency layer for arm64 and Python 3.14 cannot be built: "
        "there is no wheel of tiny==1.0 for it."
    )
    assert list((tmp_path / "built").iterdir()) == []


def test_an_index_out_of_reach_is_told_apart(
    requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 9 of this machine: nobody listens.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    with pytest.raises(LayerError, match=r"pip does not reach its package index\.$"):
        build_dependencies(ARM, requirements=requirements, into=tmp_path / "built")


def test_two_builds_at_once_do_not_disturb_each_other(
    shelf: Path, requirements: Path, tmp_path: Path
) -> None:
    put_wheel(shelf, "any")
    into = tmp_path / "built"
    with ThreadPoolExecutor(3) as pool:
        tasks = [
            pool.submit(build_dependencies, HOST, requirements=requirements, into=into)
            for _ in range(3)
        ]
        (built,) = {task.result() for task in tasks}
    assert [path.name for path in into.iterdir()] == [built.name]


def pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_layer_lacks_nothing_that_its_packages_ask_for() -> None:
    """Because pip is told --no-deps, so the list must be complete; boto3 is the runtime's own."""
    layer = pins(REQUIREMENTS)
    asked = {
        re.sub(r"[-_.]+", "-", requirement.name).lower()
        for name in layer
        for text in metadata.requires(name) or []
        if (requirement := Requirement(text)).marker is None
        or requirement.marker.evaluate({"extra": ""})
    }
    assert asked - set(layer) == set()
