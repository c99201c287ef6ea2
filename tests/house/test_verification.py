"""Nothing turns the signature check off: no path through the code, no setting, no header."""

import ast
from collections.abc import Iterable

import pytest

from tests.house.tree import ROOT, dotted, imported, parsed, python_files, shown

RECEIVER = ROOT / "layers/paidonce/python/paidonce/use_cases/receive_webhook.py"
ENTRANCE = "__call__"


class Paths:
    """What the functions of one module certainly do before they return, and may do at all.

    The reading is coarse and errs to the strict side: what stands in an `if`, a loop or an `except`
    is not certain, a `try` is as certain as its body and each handler that does not raise.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}

    def puts(self, node: ast.AST, *, seen: frozenset[str] = frozenset()) -> bool:
        """May anything below this node put a letter into the box?"""
        names = {dotted(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        # A bound method that is handed on could be called by whoever gets it.
        names |= {dotted(n) for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        if any(name.endswith("letterbox.put") for name in names):
            return True
        called = {name.removeprefix("self.") for name in names} & self.functions.keys()
        return any(
            self.puts(self.functions[name], seen=seen | {name}) for name in called - set(seen)
        )

    def verifies(self, body: Iterable[ast.stmt]) -> bool:
        """Is a signature certainly verified before these statements come to their end?"""
        return any(self._certain(statement) for statement in body)

    def _certain(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=ast.Call(func=called)):
                name = dotted(called)
                own = self.functions.get(name.removeprefix("self."))
                return name in ("verify", "signature.verify") or (
                    own is not None and self.verifies(own.body)
                )
            case ast.Try(body=body, handlers=handlers):
                return self.verifies(body) and all(
                    self.verifies(h.body) or isinstance(h.body[-1], ast.Raise) for h in handlers
                )
        return False

    def is_safe(self) -> bool:
        """Does the entrance verify, at its top level, before any statement that may put?"""
        for statement in self.functions[ENTRANCE].body:
            if self._certain(statement):
                return not self.puts(statement)
            if self.puts(statement):
                return False
        return False


SOURCE = RECEIVER.read_text(encoding="utf-8")


def test_every_path_to_the_queue_is_behind_the_check() -> None:
    paths = Paths(ast.parse(SOURCE))
    assert paths.puts(paths.functions[ENTRANCE])
    assert paths.is_safe()


def test_the_check_is_the_domain_s_own() -> None:
    assert "paidonce.domain.signature.verify" in set(imported(ast.parse(SOURCE)))


def test_nobody_else_puts_anything_into_the_letterbox() -> None:
    others = [
        shown(path)
        for path in python_files("layers", "functions")
        if path != RECEIVER
        and any(
            isinstance(node, ast.Attribute) and dotted(node).endswith("letterbox.put")
            for node in ast.walk(parsed(path))
        )
    ]
    assert others == []


BROKEN = {
    "no check": ("self._verify(webhook)", "pass"),
    "a check by setting": ("self._verify(webhook)", "if self.on: self._verify(webhook)"),
    "a check that may fail": (
        "self._verify(webhook)",
        "try:\n            self._verify(webhook)\n        except ValueError:\n            pass",
    ),
    "a check after the queue": (
        "self._verify(webhook)",
        "self._queue(webhook, event, text)\n        self._verify(webhook)",
    ),
    "a refresh that forgives": ("            self._verify_with(fresh, webhook)\n", ""),
    "an early return before the check": (
        "self._verify(webhook)",
        "if webhook.endpoint: return self.letterbox.put(1)\n        self._verify(webhook)",
    ),
    "another check": ("        verify(\n", "        dict(\n"),
}


@pytest.mark.parametrize(("was", "becomes"), BROKEN.values(), ids=BROKEN.keys())
def test_a_way_around_the_check_would_be_found(was: str, becomes: str) -> None:
    assert was in SOURCE
    tree = ast.parse(SOURCE.replace(was, becomes))
    assert not Paths(tree).is_safe()
