"""Moments and spans of time as an operator writes them."""

import re
from datetime import UTC, datetime

from ops.errors import CalledWrongly

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d+)([smhd])", re.ASCII)
# What is older Stripe does not list: it would be passed over without a word.
LISTED_DAYS = 30


def since(text: str, *, now: float) -> int:
    """`90m`, `24h`, `3d`, or ISO 8601 (UTC where it names no zone), as seconds since 1970.

    Raises CalledWrongly, also for what is still to come or older than Stripe's list.
    """
    moment = _moment(text, now=now)
    if moment > now:
        raise CalledWrongly(f"--since {text} is still to come.")
    if moment < int(now) - LISTED_DAYS * _UNITS["d"]:
        raise CalledWrongly(
            f"Stripe lists {LISTED_DAYS} days, and --since {text} is before: {LISTED_DAYS}d is all."
        )
    return moment


def _moment(text: str, *, now: float) -> int:
    if span := _SPAN.fullmatch(text):
        return int(now) - int(span[1]) * _UNITS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CalledWrongly(
            f"--since takes 90m, 24h, 3d or a moment in ISO 8601, and not {text!r}."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
