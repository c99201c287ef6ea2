"""Moments as text: ISO 8601, UTC, whole milliseconds."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-22T11:24:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """The reverse of `iso`; raises ValueError for anything else than ISO 8601."""
    return datetime.fromisoformat(text).timestamp()
