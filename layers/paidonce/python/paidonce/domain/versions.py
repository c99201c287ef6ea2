"""Stripe's API versions: which of them we can read."""

from datetime import date

# What our calls ask for and endpoints are made with: that of the pinned library (a test compares).
# Rules see no other.
PINNED = "2026-10-28.endive"
# Releases by name with the day of their first version, oldest first. A breaking release has a name
# of its own; until 2024-06-20 a version was a date alone (https://docs.stripe.com/changelog).
_RELEASES = (
    ("", "2011-06-21"),
    ("acacia", "2024-09-30"),
    ("basil", "2025-03-31"),
    ("clover", "2025-09-30"),
    ("dahlia", "2026-03-25"),
    ("endive", "2026-09-30"),
)
_LAST_WITHOUT_NAME = "2024-06-20"


def is_known(version: str | None) -> bool:
    """False for a version that may show objects in a shape that we have never seen.

    None is known: events that carry no version are read by their shape, as all are.
    """
    if version is None:
        return True
    day, _, name = version.partition(".")
    if not _is_day(day):
        return False
    # Such days are in the order of their letters.
    begun = [release for release, first in _RELEASES if first <= day]
    is_dated = name != "" or day <= _LAST_WITHOUT_NAME
    return bool(begun) and begun[-1] == name and is_dated and day <= PINNED.partition(".")[0]


def _is_day(text: str) -> bool:
    """YYYY-MM-DD, and no other way in which ISO 8601 writes a day."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
