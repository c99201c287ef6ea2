"""Who may know what: the arrows of house.md that import-linter cannot see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, dotted, imported, parsed, python_files, shown

PAIDONCE = "layers/paidonce/python/paidonce"
PURE = (f"{PAIDONCE}/domain", f"{PAIDONCE}/rules", f"{PAIDONCE}/use_cases")
CLIENTS = ("boto3", "botocore", "stripe")
# Time, ids and randomness are arguments of what is pure.
IMPURE_CALLS = (
    "time.time",
    "time.sleep",
    "time.monotonic",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
    "random.",
    "secrets.",
    "uuid.",
    "uuid1",
    "uuid4",
    "os.",
    "open",
    "socket.",
)


def reads_environment(tree: ast.AST) -> bool:
    return any(
        dotted(node).endswith(("os.environ", "os.getenv"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    ) or any(name in ("os.environ", "os.getenv") for name in imported(tree))


def impure_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if any(
                name == call or (call.endswith(".") and name.startswith(call))
                for call in IMPURE_CALLS
            ):
                yield name


def knows(tree: ast.AST, *modules: str) -> set[str]:
    return {
        module
        for module in modules
        for name in imported(tree)
        if name == module or name.startswith(f"{module}.")
    }


def test_the_environment_is_read_in_wiring_only() -> None:
    readers = {
        shown(p) for p in python_files("layers", "functions") if reads_environment(parsed(p))
    }
    assert {reader for reader in readers if not reader.endswith("/wiring.py")} == set()
    assert "functions/receive_webhook/wiring.py" in readers


def test_what_is_pure_asks_neither_clock_nor_dice() -> None:
    found = {shown(p): sorted(impure_calls(parsed(p))) for p in python_files(*PURE)}
    assert {path: calls for path, calls in found.items() if calls} == {}
    assert len(found) > 10


def test_clients_are_known_in_adapters_and_wiring_only() -> None:
    allowed = ROOT / PAIDONCE / "adapters"
    found = {
        shown(p): knows(parsed(p), *CLIENTS)
        for p in python_files("layers", "functions")
        if not p.is_relative_to(allowed) and p.name != "wiring.py"
    }
    assert {path: modules for path, modules in found.items() if modules} == {}


def adapters_known(tree: ast.AST) -> set[str]:
    """`paidonce.adapters.api` is what the functions of the API share: it holds no client."""
    return {
        name
        for name in imported(tree)
        if name.startswith("paidonce.adapters")
        and name != "paidonce.adapters"
        and not f"{name}.".startswith("paidonce.adapters.api.")
    }


def test_functions_take_adapters_from_their_wiring_only() -> None:
    found = {
        shown(p): names
        for p in python_files("functions")
        if p.name != "wiring.py" and (names := adapters_known(parsed(p)))
    }
    assert found == {}
    assert adapters_known(ast.parse("from paidonce.adapters.api import body")) == set()
    for text in ("from paidonce.adapters import http", "import paidonce.adapters.apiary"):
        assert adapters_known(ast.parse(text))


def test_no_function_knows_another() -> None:
    folders = {p.parent.name for p in (ROOT / "functions").glob("*/handler.py")}
    found = {
        shown(p): others
        for p in python_files("functions")
        if (others := knows(parsed(p), *(folders - {p.relative_to(ROOT / "functions").parts[0]})))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"]
)
def test_a_read_of_the_environment_would_be_found(text: str) -> None:
    assert reads_environment(ast.parse(text))


@pytest.mark.parametrize("text", ["time.time()", "datetime.now(UTC)", "uuid.uuid4()", "open('x')"])
def test_an_impure_call_would_be_found(text: str) -> None:
    assert list(impure_calls(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["import stripe", "from boto3 import client", "import botocore.config"]
)
def test_a_client_would_be_found(text: str) -> None:
    assert knows(ast.parse(text), *CLIENTS)
    assert not knows(
        ast.parse("import stripe_event\nfrom paidonce.domain import stripe_event"), *CLIENTS
    )


def test_no_path_of_this_module_is_wrong() -> None:
    assert all((ROOT / folder).is_dir() for folder in PURE)
    assert isinstance(ROOT, Path)
