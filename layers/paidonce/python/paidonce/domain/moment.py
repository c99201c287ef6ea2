"""Moments as text: ISO 8601, UTC, whole milliseconds."""

from datetime import UTC, datetime

DAY_SECONDS = 86_400


def iso(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-22T11:24:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """The reverse of `iso`; raises ValueError for anything else than ISO 8601."""
    return datetime.fromisoformat(text).timestamp()


def days_since(text: str, *, now: float) -> int | None:
    """Whole days since a moment as text; None when it is none."""
    try:
        return int((now - seconds(text)) // DAY_SECONDS)
    except ValueError:
        return None
