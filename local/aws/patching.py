"""Replaces names inside ministack, and refuses to start when one that is used is gone."""

import ast
import importlib
import importlib.metadata
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

MINISTACK_VERSION = "1.5.33"

JsonObject = dict[str, Any]
# What ministack's handlers answer with: status, headers, body.
Answer = tuple[int, dict[str, str], bytes]


class UnsupportedMinistackError(Exception):
    """The ministack at hand is not the one that the extensions were written against."""


def require_version() -> None:
    """Raise unless the exact ministack is installed whose private names are patched."""
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        raise UnsupportedMinistackError(
            f"ministack {MINISTACK_VERSION} is not installed here: run 'make setup'."
        ) from None
    if found != MINISTACK_VERSION:
        raise UnsupportedMinistackError(
            f"The extensions patch ministack {MINISTACK_VERSION}, but {found} is installed:"
            " pin it, or read each extension against the new version."
        )


def require_names(extension: ModuleType) -> None:
    """Raise unless every `module.name` of ministack that the extension's source mentions exists."""
    tree = ast.parse(inspect.getsource(extension))
    modules = dict(_ministack_modules(tree))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        path = modules.get(node.value.id)
        if path is not None and not hasattr(importlib.import_module(path), node.attr):
            raise UnsupportedMinistackError(
                f"ministack {MINISTACK_VERSION} has no {path}.{node.attr}, which"
                f" {extension.__name__} needs."
            )


def _ministack_modules(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that a source gives to ministack's modules: ("sm", "ministack.services.…")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def replace(owner: ModuleType | type, name: str, new: Callable[..., Any]) -> None:
    """Put `new` in the place of `owner.name`; it must exist."""
    if not hasattr(owner, name):
        raise UnsupportedMinistackError(
            f"ministack {MINISTACK_VERSION} has no {owner.__name__}.{name}, which {new.__module__}"
            " replaces."
        )
    setattr(owner, name, new)


def resource_handler(handlers: dict[str, JsonObject], resource_type: str) -> JsonObject:
    """CloudFormation's handler of a type that ministack must know: create, update, delete."""
    handler = handlers.get(resource_type)
    if handler is None or not {"create", "update", "delete"} <= handler.keys():
        raise UnsupportedMinistackError(
            f"ministack {MINISTACK_VERSION} does not create, update and delete {resource_type}."
        )
    return handler
