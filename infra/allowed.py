"""What a value of stages.toml may be, and the one sentence when it is something else."""

import dataclasses
import difflib
import re
import typing
from collections.abc import Mapping, Sequence

Table = typing.TypeVar("Table")

# Stripe's and AWS's prefixes, private keys and tokens; and any long mixed run, as random keys are.
_SECRET = re.compile(
    r"(?i:[sr]k_(live|test)|whsec_|(AKIA|ASIA)[0-9A-Z]|-----BEGIN|eyJ[\w-]{8})"
    r"|(?<![\w+/=-])(?!pk_)(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*\d)[\w+/=-]{24,}"
)
_SHOWN_MAX = 80


class StageError(Exception):
    """stages.toml, or what the command line adds to it, cannot be used: one sentence."""


class Unfit(Exception):  # noqa: N818 -- a fact about a value, turned into a StageError by the reader
    """A value is not what its rule allows."""


def shown(value: object) -> str:
    """A value as an error may print it: never what looks like a secret, never a page of it."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    if _SECRET.search(text):
        return "(hidden, it looks like a secret)"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


@dataclasses.dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    minimum: int
    maximum: int

    @property
    def allowed(self) -> str:
        """What an error says."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def read(self, value: object) -> int:
        """The value itself, or Unfit. TOML's true is no number, though Python's is."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit
        if not self.minimum <= value <= self.maximum:
            raise Unfit
        return value


@dataclasses.dataclass(frozen=True)
class Text:
    """A text that matches a pattern from end to end."""

    pattern: str
    allowed: str

    def read(self, value: object) -> str:
        """The value itself, or Unfit."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise Unfit
        return value


class OneOf:
    """One of a few values, all of one type."""

    def __init__(self, *options: str | int) -> None:
        self.options = options

    @property
    def allowed(self) -> str:
        """What an error says."""
        return "one of " + ", ".join(shown(option) for option in self.options)

    def read(self, value: object) -> str | int:
        """The option that the value is, or Unfit."""
        for option in self.options:
            if type(option) is type(value) and option == value:
                return option
        raise Unfit


class Flag:
    """true or false."""

    allowed = "true or false"

    def read(self, value: object) -> bool:
        """The value itself, or Unfit."""
        if not isinstance(value, bool):
            raise Unfit
        return value


@dataclasses.dataclass(frozen=True)
class Listed:
    """A list of at least so many values, each by the same rule; read as a tuple."""

    of: Whole | Text
    at_least: int = 0

    @property
    def allowed(self) -> str:
        """What an error says."""
        return f"a list of {self.at_least} or more, each {self.of.allowed}"

    def read(self, value: object) -> tuple[int | str, ...]:
        """The values as a tuple, or Unfit."""
        if not isinstance(value, list) or len(value) < self.at_least:
            raise Unfit
        return tuple(self.of.read(one) for one in value)


Rule = Whole | Text | OneOf | Flag | Listed


def read_table(table: type[Table], values: Mapping[str, object], *, place: str) -> Table:
    """Build the frozen dataclass whose annotations carry the rules; `place` names it in errors."""
    hints = typing.get_type_hints(table, include_extras=True)
    for key in values:
        if key not in hints:
            raise StageError(_unknown(key, place=place, known=list(hints)))
    read: dict[str, object] = {}
    for key, hint in hints.items():
        where = f"{place}.{key}"
        if dataclasses.is_dataclass(hint):
            inner = values.get(key, {})
            if not isinstance(inner, Mapping):
                raise StageError(wrong(where, inner, allowed=f"a table, [{where}]"))
            read[key] = read_table(typing.cast("type[object]", hint), inner, place=where)
        else:
            read[key] = _read_value(typing.get_args(hint)[1], values, key=key, where=where)
    return table(**read)


def _read_value(rule: Rule, values: Mapping[str, object], *, key: str, where: str) -> object:
    if key not in values:
        raise StageError(f"stages.toml: {where} is missing; allowed is {rule.allowed}.")
    try:
        return rule.read(values[key])
    except Unfit:
        raise StageError(wrong(where, values[key], allowed=rule.allowed)) from None


def wrong(where: str, value: object, *, allowed: str) -> str:
    """The sentence about a value that is there but cannot be."""
    return f"stages.toml: {where} is {shown(value)}; allowed is {allowed}."


def _unknown(key: str, *, place: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f", perhaps {close[0]} is meant" if close else ""
    # A key is text too: a secret pasted on the wrong side of the equals sign stays hidden.
    name = shown(key).strip('"')
    return f"stages.toml: {place}.{name} is unknown{hint}; allowed are {', '.join(known)}."
