"""An object in an older release: without the fields that endive added."""

from typing import Any

from local.stripe.shapes import Json
from local.stripe.spec.document import overlay

# What our objects are kept in, and what a request without a version is answered in.
NEWEST = "endive"


def in_release(shown: Json, release: str) -> Json:
    """The object (already a copy) as a release has it; changed in place."""
    if release == "dahlia":
        _without(shown, overlay()["endive_fields"])
    return shown


def _without(node: Any, added: dict[str, list[str]]) -> None:
    if isinstance(node, list):
        for entry in node:
            _without(entry, added)
    elif isinstance(node, dict):
        for name in added.get(str(node.get("object")), ()):
            node.pop(name, None)
        for value in node.values():
            _without(value, added)
