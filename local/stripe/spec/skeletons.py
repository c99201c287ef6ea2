"""Objects with every field that Stripe always sends: null where null may be, else empty."""

from functools import cache

from local.stripe.shapes import Json, clone
from local.stripe.spec.document import overlay, resolved, schema


@cache
def _template(name: str) -> Json:
    """The fields of a schema that are there even when nothing was said about them."""
    described = schema(name)
    required = set(described.get("required", ()))
    made: Json = {}
    for field, part in described["properties"].items():
        if part.get("nullable"):
            made[field] = None
        elif field == "object":
            made[field] = part["enum"][0]
        elif field in required:
            made[field] = _empty(part)
        elif field == "metadata":
            made[field] = {}
    made.update(dict.fromkeys(overlay()["endive_fields"].get(name, ())))
    return made


def _empty(part: Json) -> object:
    """What a required field holds before its resource says better."""
    real = resolved(part)
    by_type = {"array": [], "object": {}, "boolean": False, "integer": 0, "number": 0}
    return clone(by_type.get(real.get("type", "")))


def skeleton(name: str, /, **fields: object) -> Json:
    """A new object of this schema; fields that are not given are null, empty, zero or false."""
    made: Json = clone(_template(name))
    made.update(fields)
    # Stripe writes `id` and `object` first, the rest by the alphabet.
    first: Json = {key: made[key] for key in ("id", "object") if key in made}
    return {**first, **{key: made[key] for key in sorted(made) if key not in first}}
