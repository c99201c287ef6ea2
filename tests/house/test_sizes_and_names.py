"""Small enough to see, and named for what it is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import parsed, python_files, shown

# house.md aims at 300 and 40; beyond these a file or function has to be split.
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
NOT_A_NAME = re.compile(
    r"(?:.*_)?(?:utils?|helpers?|common|managers?|misc)(?:_.*)?|base|data|info|cfg|evt|ctx"
)


def long_functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and length of each function that is too long, its decorators not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.name, lines


def test_every_file_can_be_read_in_one_go() -> None:
    long = {
        shown(path): lines
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES_MAX
    }
    assert long == {}


def test_every_function_fits_on_a_screen() -> None:
    long = {
        shown(path): found
        for path in python_files()
        if (found := list(long_functions(parsed(path))))
    }
    assert long == {}


def test_a_long_function_would_be_found() -> None:
    tree = ast.parse("def long():\n" + "    x = 1\n" * FUNCTION_LINES_MAX)
    assert list(long_functions(tree)) == [("long", FUNCTION_LINES_MAX + 1)]


def name_says_nothing(path: Path) -> bool:
    return NOT_A_NAME.fullmatch(path.stem) is not None


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    found = {Path(shown(path)) for path in python_files()}
    named = found | {folder for path in found for folder in path.parents}
    assert sorted(str(path) for path in named if name_says_nothing(path)) == []


@pytest.mark.parametrize(
    "name", ["utils.py", "helpers.py", "common.py", "aws_utils.py", "manager.py", "data.py"]
)
def test_such_a_name_would_be_found(name: str) -> None:
    assert name_says_nothing(Path(name))


@pytest.mark.parametrize(
    "name", ["database.py", "card_data.py", "information.py", "payment.py", "managed.py"]
)
def test_other_names_are_fine(name: str) -> None:
    assert not name_says_nothing(Path(name))
