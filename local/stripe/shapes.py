"""The shape of everything that goes over the wire, and how to copy and compare it."""

from typing import Any

# An object as Stripe writes it. Keys that begin with an underscore are ours and never leave.
Json = dict[str, Any]


def clone(node: Any) -> Any:
    """A copy down to the leaves; several times faster than copy.deepcopy on plain JSON."""
    if isinstance(node, dict):
        return {key: clone(value) for key, value in node.items()}
    if isinstance(node, list):
        return [clone(entry) for entry in node]
    return node


def public(about: Json) -> Json:
    """A copy of an object without the fields that are ours alone."""
    return {key: _public(value) for key, value in about.items() if not key.startswith("_")}


def _public(node: Any) -> Any:
    if isinstance(node, dict):
        return public(node)
    if isinstance(node, list):
        return [_public(entry) for entry in node]
    return node


def previous_attributes(before: Json, after: Json) -> Json:
    """Of what changed, the former values: Stripe's `data.previous_attributes`."""
    changed: Json = {}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changed[key] = previous_attributes(old, new)
        else:
            changed[key] = old
    return changed


def merged_metadata(existing: Json, changes: Json | str | None) -> Json:
    """Metadata after an update: an empty value removes its key, an empty string removes all."""
    if changes is None:
        return existing
    if changes == "" or isinstance(changes, str):
        return {}
    result = {**existing, **changes}
    return {key: value for key, value in result.items() if value != ""}
