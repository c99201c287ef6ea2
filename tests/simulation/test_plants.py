"""The proof can fail: planted bugs are found. The fast ones here, all of them in `make prove`."""

import shutil
from pathlib import Path

import pytest

from tests.simulation.plant import PACKAGE, search
from tests.simulation.plants import PLANTS, Plant

FAST = [plant for plant in PLANTS if plant.is_fast]
# Each was found within 100 when it was planted.
SCHEDULES_MAX = 400


@pytest.mark.parametrize("plant", FAST, ids=[plant.name for plant in FAST])
def test_a_planted_bug_is_found(plant: Plant) -> None:
    found = search(plant, schedules=SCHEDULES_MAX)
    assert found.after is not None


@pytest.mark.parametrize("plant", PLANTS, ids=[plant.name for plant in PLANTS])
def test_every_patch_still_fits(plant: Plant, tmp_path: Path) -> None:
    copy = tmp_path / "paidonce"
    shutil.copytree(PACKAGE, copy)
    plant.into(copy)
    for file, _, _ in plant.patches:
        compile((copy / file).read_text(encoding="utf-8"), file, "exec")
