"""The shipped part of Stripe's OpenAPI document, with the overlay's differences."""

import gzip
import json
from functools import cache
from pathlib import Path

from local.stripe.shapes import Json

_HERE = Path(__file__).parent
# Older than any Stripe-Version that we know: what an account that never upgraded still sends.
LEGACY = "legacy"


@cache
def overlay() -> Json:
    """What endive changed, and what older versions accepted: a small, reviewed list."""
    loaded: Json = json.loads((_HERE / "overlay.json").read_text())
    return loaded


@cache
def document() -> Json:
    """Paths and schemas as `make_subset.py` wrote them, plus the paths that are in no document."""
    with gzip.open(_HERE / "subset.json.gz") as source:
        loaded: Json = json.load(source)
    loaded["paths"].update(overlay()["unpublished_paths"])
    loaded["paths"].update(overlay()["endive_paths"])
    return loaded


def schema(name: str) -> Json:
    """A named schema."""
    found: Json = document()["schemas"][name]
    return found


def resolved(node: Json) -> Json:
    """A node behind its reference, if it is one."""
    while "$ref" in node:
        node = schema(node["$ref"].rsplit("/", 1)[-1])
    return node


def has_path(path: str, release: str) -> bool:
    """Whether a path is there in a release."""
    return release != "dahlia" or path not in overlay()["endive_paths"]


@cache
def operation(path: str, method: str, release: str) -> Json:
    """Parameters of one operation in one release (`dahlia`, `endive`, or `legacy`)."""
    part: Json = document()["paths"][path][method.lower()]
    properties = dict(part["properties"])
    required = list(part["required"])
    for change in (*overlay()["every_release"], *overlay()["releases"][release]):
        if path not in change["paths"] or method.lower() != "post":
            continue
        for name, part_of in change.get("accepts", {}).items():
            _accept(properties, name, part_of)
        for name in change.get("removes", {}):
            properties.pop(name, None)
        required = [name for name in required if name not in change.get("optional", [])]
    return {"properties": properties, "required": required, "answer": part["answer"]}


def _accept(properties: Json, name: str, part: Json) -> None:
    """Adds a parameter; `outer[inner]` adds it inside a hash."""
    outer, _, inner = name.partition("[")
    if not inner:
        properties[outer] = part
        return
    hash_part = resolved(properties[outer])
    inside = {**hash_part["properties"], inner.rstrip("]"): part}
    properties[outer] = {**hash_part, "properties": inside}


@cache
def removed(path: str, release: str) -> dict[str, Json]:
    """Parameters that a release no longer takes, each with the error that Stripe answers."""
    found: dict[str, Json] = {}
    for change in overlay()["releases"][release]:
        if path in change["paths"]:
            found.update(change.get("removes", {}))
    return found
