"""Billing periods: a month later is the same day, or the month's last."""

import calendar
from datetime import UTC, datetime

from local.stripe.shapes import Json

_SECONDS = {"day": 24 * 3600, "week": 7 * 24 * 3600}
_MONTHS = {"month": 1, "year": 12}


def later(moment: int, recurring: Json, *, anchor: int | None = None, times: int = 1) -> int:
    """The end of `times` periods that begin at a moment; days come from the anchor."""
    interval: str = recurring["interval"]
    count: int = recurring["interval_count"] * times
    if interval in _SECONDS:
        return moment + _SECONDS[interval] * count
    begin = datetime.fromtimestamp(moment, UTC)
    months = begin.month - 1 + _MONTHS[interval] * count
    year, month = begin.year + months // 12, months % 12 + 1
    wanted = datetime.fromtimestamp(anchor if anchor is not None else moment, UTC).day
    day = min(wanted, calendar.monthrange(year, month)[1])
    return int(begin.replace(year=year, month=month, day=day).timestamp())


def spoken(moment: int) -> str:
    """A day as Stripe writes it on invoices: `22 Nov 2026`."""
    day = datetime.fromtimestamp(moment, UTC)
    return f"{day.day} {day:%b %Y}"
