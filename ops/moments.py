"""Moments and spans of time as an operator writes them."""

import re
from datetime import UTC, datetime

import typer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+)([smhd])", re.ASCII)


def since(text: str, *, now: float) -> int:
    """`90m`, `24h`, `3d`, or ISO 8601 (UTC where it names no zone), as seconds since 1970."""
    if span := _SPAN.fullmatch(text):
        return int(now) - int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a span such as 90m, 24h or 3d, or a moment in ISO 8601") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
