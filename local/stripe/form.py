"""Form encoding as Stripe's libraries send it: `a[b]=1`, `a[]=x`, `a[0][b]=y`."""

import re
from urllib.parse import parse_qsl

from local.stripe.errors import SUPPORT, StripeError, invalid
from local.stripe.shapes import Json

_KEY = re.compile(r"(?P<name>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
_STEP = re.compile(r"\[([^\[\]]*)\]")
# More nesting than any of Stripe's parameters has.
_DEPTH_MAX = 12


def not_a_form() -> StripeError:
    """400 for a body that is not form-encoded."""
    return invalid(
        "Invalid request (check that your POST content type is"
        f" application/x-www-form-urlencoded). If you have any questions, we can help at {SUPPORT}"
    )


def decode(body: bytes) -> Json:
    """The parameters of a body or a query, nested; values stay text, lists become lists."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body.strip())
        )
    except UnicodeDecodeError as error:
        raise invalid("Invalid request: the parameters are not UTF-8.") from error
    except ValueError as error:
        raise not_a_form() from error
    tree: Json = {}
    for key, value in pairs:
        _place(tree, _steps(key), value, key)
    return {name: _listed(value) for name, value in tree.items()}


def _steps(key: str) -> list[str]:
    """`a[b][]` as its parts; a key that cannot be read is refused."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise invalid(f"Invalid parameter name: {key}", param=key)
    steps = [match["name"], *_STEP.findall(match["rest"])]
    if len(steps) > _DEPTH_MAX:
        raise invalid(f"Parameter is nested too deeply: {key}", param=key)
    return steps


def _place(tree: Json, steps: list[str], value: str, key: str) -> None:
    """Puts a value where its key says; `[]` takes the next free number."""
    node = tree
    for step in steps[:-1]:
        name = step or _next_number(node)
        below = node.setdefault(name, {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid object: {key}", param=steps[0])
        node = below
    last = steps[-1] or _next_number(node)
    if isinstance(node.get(last), dict):
        raise invalid(f"Invalid object: {key}", param=steps[0])
    node[last] = value


def _next_number(node: Json) -> str:
    """The next index of a list that is written with empty brackets."""
    return str(len(node))


def _listed(node: object) -> object:
    """Hashes whose keys are all numbers become lists in that order."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(value) for key, value in node.items()}
