"""Takes parameters over into an object's fields of the same names."""

from collections.abc import Iterable

from local.stripe.shapes import Json
from local.stripe.spec.document import resolved, schema
from local.stripe.spec.parameters import not_empty


def take(about: Json, params: Json, names: Iterable[str]) -> None:
    """Sets each field that was given; an empty string unsets it.

    What unset means is the document's: null where null may be, an empty list, no field at all, or
    400 for a field that cannot be without a value.
    """
    described = schema(about["object"])
    for name in names:
        if name not in params:
            continue
        if params[name] != "":
            about[name] = params[name]
            continue
        part = described["properties"][name]
        if part.get("nullable"):
            about[name] = None
        elif resolved(part).get("type") == "array":
            about[name] = []
        elif name in described.get("required", ()):
            not_empty("", name)
        else:
            about.pop(name, None)
