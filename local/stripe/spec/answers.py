"""Compares answers with Stripe's document: types, required fields, enums, and no unknown field."""

from local.stripe.shapes import Json
from local.stripe.spec.document import document, operation, overlay, resolved

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def faults(path: str, method: str, release: str, answer: Json) -> list[str]:
    """What is wrong with an answer, one sentence each; none for a faithful one."""
    return _node(answer, operation(path, method, release)["answer"], path)


def object_faults(about: Json) -> list[str]:
    """What is wrong with an object that came in an event."""
    kind = about.get("object", "")
    if kind not in document()["schemas"]:
        return [f"{kind} is no object of the document"]
    return _node(about, document()["schemas"][kind], kind)


def _node(value: object, part: Json, place: str) -> list[str]:
    nullable = part.get("nullable", False)
    part = resolved(part)
    if not part or (value is None and (nullable or part.get("nullable"))):
        return []
    if "anyOf" in part:
        return _any_of(value, part["anyOf"], place)
    wanted = _TYPES.get(part.get("type", ""))
    wrong_bool = isinstance(value, bool) and part.get("type") != "boolean"
    if wanted is not None and (not isinstance(value, wanted) or wrong_bool):
        return [f"{place}: {value!r} is not {part['type']}"]
    allowed = part.get("enum")
    if allowed and value not in allowed:
        return [f"{place}: {value!r} is none of {allowed}"]
    if isinstance(value, list):
        entries = part.get("items", {})
        return [
            fault
            for index, each in enumerate(value)
            for fault in _node(each, entries, f"{place}[{index}]")
        ]
    return _fields(value, part, place) if isinstance(value, dict) else []


def _any_of(value: object, choices: list[Json], place: str) -> list[str]:
    """No fault if one alternative fits; else those of the one that fits best."""
    parts = [resolved(choice) for choice in choices]
    if isinstance(value, dict):
        named = [part for part in parts if _is_named(part, value)]
        parts = named or [part for part in parts if part.get("type") == "object"] or parts
    if not parts:
        return []
    return min((_node(value, part, place) for part in parts), key=len)


def _is_named(part: Json, value: Json) -> bool:
    """Whether an alternative describes exactly this kind of object, deleted or not."""
    properties = part.get("properties", {})
    kinds = properties.get("object", {}).get("enum", [])
    return value.get("object") in kinds and ("deleted" in properties) == ("deleted" in value)


def _fields(value: Json, part: Json, place: str) -> list[str]:
    properties = part.get("properties")
    if properties is None:
        return []
    found = [f"{place}.{name} is missing" for name in part.get("required", ()) if name not in value]
    kind = str(value.get("object"))
    allowed = {*overlay()["answers"].get(kind, ()), *overlay()["endive_fields"].get(kind, ())}
    for name, inner in value.items():
        if name in properties:
            found.extend(_node(inner, properties[name], f"{place}.{name}"))
        elif name not in allowed:
            found.append(f"{place}.{name} is not in the document")
    return found
