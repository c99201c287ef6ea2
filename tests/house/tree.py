"""The checkout as git sees it: what is tracked, and what would be with the next `git add`."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("layers/paidonce/python/paidonce", "functions")


def files_of(repository: Path) -> list[Path]:
    """Tracked files, and untracked ones that are not ignored; deleted ones are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the PATH, as everywhere
        cwd=repository,
        capture_output=True,
        check=True,
    )
    paths = {repository / name.decode() for name in listed.stdout.split(b"\0") if name}
    return sorted(path for path in paths if path.is_file())


@cache
def files() -> tuple[Path, ...]:
    """Those of this checkout."""
    return tuple(files_of(ROOT))


def python_files(*under: str) -> list[Path]:
    """Python files of this checkout, below these folders or in all of them."""
    folders = [ROOT / folder for folder in under or (".",)]
    return [
        path
        for path in files()
        if path.suffix == ".py" and any(path.is_relative_to(folder) for folder in folders)
    ]


@cache
def parsed(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path) -> str:
    """The path as one writes it."""
    return str(path.relative_to(ROOT))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of such an expression, otherwise an empty text."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr) if dotted(value):
            return f"{dotted(value)}.{attr}"
    return ""


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in the tree, with the names taken from it."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{name.name}" for name in names)
