"""Checks and converts request parameters by the document, with the sentences of Stripe's errors."""

from collections.abc import Callable

from local.stripe.errors import StripeError, invalid
from local.stripe.shapes import Json
from local.stripe.spec.document import operation, removed, resolved

# The longest integer of 64 bits.
_DIGITS_MAX = 19
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def checked(path: str, method: str, release: str, given: Json) -> Json:
    """The parameters with their types; StripeError 400 with `param` for the first wrong one."""
    described = operation(path, method, release)
    for name, error in removed(path, release).items():
        if name in given:
            raise invalid(error["message"], param=name, code=error["code"])
    result = _hash(given, described["properties"], "")
    for name in described["required"]:
        if name not in result:
            raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return result


def _hash(given: Json, properties: Json, above: str) -> Json:
    unknown = [name for name in given if name not in properties]
    if unknown:
        names = [_below(above, name) for name in unknown]
        plural = "s" if len(names) > 1 else ""
        raise invalid(
            f"Received unknown parameter{plural}: {', '.join(names)}",
            param=names[0],
            code="parameter_unknown",
        )
    return {
        name: _value(value, properties[name], _below(above, name)) for name, value in given.items()
    }


def _below(above: str, name: str) -> str:
    return f"{above}[{name}]" if above else name


def _value(value: object, part: Json, param: str) -> object:
    """One value as its schema wants it."""
    part = resolved(part)
    if "anyOf" in part:
        return _first_fitting(value, part["anyOf"], param)
    convert = _CONVERTERS.get(part.get("type", ""))
    return value if convert is None else convert(value, part, param)


def _first_fitting(value: object, choices: list[Json], param: str) -> object:
    """The first alternative that takes the value; hashes and lists go to their own kind."""
    wanted = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else None
    parts = [resolved(choice) for choice in choices]
    fitting = [part for part in parts if _accepts(part, wanted)]
    if isinstance(value, dict):
        # The hash that knows most of the names is the one that was meant.
        fitting.sort(key=lambda part: len(value.keys() - part.get("properties", value).keys()))
    error: StripeError | None = None
    for part in fitting or parts:
        try:
            return _value(value, part, param)
        except StripeError as refused:
            # The sentence about a real type says more than the one about "must be empty".
            if error is None or part.get("enum") != [""]:
                error = refused
    raise error or invalid(f"Invalid value for {param}", param=param)


def _accepts(part: Json, wanted: str | None) -> bool:
    if wanted is None:
        return part.get("type") not in {"object", "array"}
    return part.get("type") == wanted or "anyOf" in part


def _object(value: object, part: Json, param: str) -> Json:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=param)
    if "properties" in part:
        result = _hash(value, part["properties"], param)
        for name in part.get("required", ()):
            if name not in result:
                full = _below(param, name)
                message = f"Missing required param: {full}."
                raise invalid(message, param=full, code="parameter_missing")
        return result
    entries = part.get("additionalProperties")
    if isinstance(entries, dict) and entries:
        return {name: _value(one, entries, _below(param, name)) for name, one in value.items()}
    return value


def _array(value: object, part: Json, param: str) -> list[object]:
    if not isinstance(value, list):
        raise invalid("Invalid array", param=param)
    entries = part.get("items", {})
    return [_value(one, entries, f"{param}[{place}]") for place, one in enumerate(value)]


def _integer(value: object, _part: Json, param: str) -> int:
    text = _text(value, param, "integer")
    not_empty(text, param)
    sign, digits = (text[:1], text[1:]) if text[:1] in {"-", "+"} else ("", text)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX):
        raise invalid(f"Invalid integer: {text}", param=param, code="parameter_invalid_integer")
    return int(sign + digits)


def _number(value: object, _part: Json, param: str) -> float | int:
    text = _text(value, param, "decimal")
    not_empty(text, param)
    try:
        number = float(text)
    except ValueError as error:
        raise invalid(f"Invalid decimal: {text}", param=param) from error
    if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        raise invalid(f"Invalid decimal: {text}", param=param)
    return int(number) if number.is_integer() else number


def _boolean(value: object, _part: Json, param: str) -> bool:
    text = _text(value, param, "boolean")
    not_empty(text, param)
    if text not in _TRUTHS:
        raise invalid(f"Invalid boolean: {text}", param=param)
    return _TRUTHS[text]


def _string(value: object, part: Json, param: str) -> str:
    text = _text(value, param, "string")
    if part.get("format") == "decimal":
        _number(value, part, param)
    allowed = part.get("enum")
    if allowed is not None and text not in allowed:
        if text == "" and "" not in allowed:
            not_empty(text, param)
        raise invalid(f"Invalid {param}: must be one of {_listing(allowed)}", param=param)
    return text


def _text(value: object, param: str, wanted: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"Invalid {wanted}: {value}", param=param)
    return value


def _listing(words: list[str]) -> str:
    shown = [word for word in words if word] or ["empty"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])}, or {shown[-1]}"


def not_empty(text: str, param: str) -> None:
    """Raises Stripe's 400 for an empty text where there must be one."""
    if text == "":
        raise invalid(
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to"
            f" unset a parameter; however '{param}' cannot be unset. You should remove '{param}'"
            " from your request or supply a non-empty value.",
            param=param,
            code="parameter_invalid_empty",
        )


_CONVERTERS: dict[str, Callable[[object, Json, str], object]] = {
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "object": _object,
    "string": _string,
}
