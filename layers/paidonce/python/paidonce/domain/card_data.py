"""Find what looks like a card in a request: such data must not reach us, our logs or our tables.

Card numbers go from the shopper's browser to Stripe alone (PCI DSS, self-assessment A).
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping

# Field names that only a form for card data has, without case and punctuation.
_NAMES = """
card cardcvc cardcvv cardno cardnumber ccnumber creditcard creditcardnumber csc cvc cvc2 cvv cvv2
expmonth expyear number pan securitycode track1 track2
"""
_CARD_NAMES = frozenset(_NAMES.split())
_DIGITS_MIN, _DIGITS_MAX = 13, 19  # ISO/IEC 7812-1 numbers that are in use
# Brands begin with 2 to 6, 8 or 9. What begins with 1 is mostly a clock reading (13 digits of
# milliseconds), and a tenth of those would pass the check digit by chance.
_FIRST_DIGITS = frozenset("2345689")
# Thirteen or more digits, with the little that people and thieves write between them.
_BETWEEN = r"[\s\-._/\u00ad\u200b-\u200d\u2010-\u2015\u2212\ufeff]{0,2}"
_RUN = re.compile(rf"\d(?:{_BETWEEN}\d){{{_DIGITS_MIN - 1},}}")
_GROUP = re.compile(r"\d+")

Path = tuple[str, ...]


def card_paths(document: object) -> Iterator[Path]:
    """Where in a decoded JSON document a value or a field's name looks like card data."""
    waiting: list[tuple[Path, object]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if _is_card_name(name) or holds_card_number(name):
                    yield (*path, name)
                waiting.append(((*path, name), inner))
        elif isinstance(value, list):
            waiting.extend(((*path, str(index)), inner) for index, inner in enumerate(value))
        elif isinstance(value, str | int | float) and holds_card_number(_text(value)):
            yield path


def holds_card_number(text: str) -> bool:
    """True when 13 to 19 digits, however grouped, are a number that a card could have."""
    plain = unicodedata.normalize("NFKC", text)
    return any(_is_card_run(run.group()) for run in _RUN.finditer(plain))


def _is_card_run(run: str) -> bool:
    """A card may stand beside other numbers (its expiry): every stretch of groups is looked at."""
    groups = ["".join(str(int(digit)) for digit in group) for group in _GROUP.findall(run)]
    for first in range(len(groups)):
        if groups[first][0] not in _FIRST_DIGITS:
            continue
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _DIGITS_MAX:
                break
            if len(digits) >= _DIGITS_MIN and _passes_luhn(digits):
                return True
    return False


def _passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1: every second digit from the right is doubled."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of its two digits
    return total % 10 == 0


def _is_card_name(name: str) -> bool:
    plain = unicodedata.normalize("NFKC", name).lower()
    return "".join(letter for letter in plain if letter.isalnum()) in _CARD_NAMES


def _text(value: str | float) -> str:
    if isinstance(value, float):
        # A float may hold a card number too: 4242424242424242.0
        return f"{value:.0f}" if math.isfinite(value) else ""
    return str(value)
