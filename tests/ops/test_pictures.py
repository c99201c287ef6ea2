"""The documents' pictures are what the command prints today."""

import runpy
from pathlib import Path

import pytest

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
DRAWN = runpy.run_path(str(PICTURES / "make.py"))["PICTURES"]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_as_the_command_would_draw_it_now(name: str) -> None:
    assert DRAWN[name]() == (PICTURES / name).read_text(encoding="utf-8"), "run `make pictures`"
