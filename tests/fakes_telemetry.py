"""Telemetry in memory: a fake of the port `Telemetry`."""

import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath


class FakeTelemetry:
    """`Telemetry` that keeps what it was told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.facts: list[tuple[str, Mapping[str, str | float | None]]] = []
        self.faults: list[tuple[str, str, Mapping[str, str | float | None]]] = []
        # Those of the blocks that it is in, the innermost last.
        self.correlation_ids: list[str | None] = []

    def count(self, metric: str, value: int = 1) -> None:
        """See `Telemetry.count`."""
        self.counts[metric] += value

    def alarm(self, metric: str) -> None:
        """See `Telemetry.alarm`."""
        self.count(metric)

    def fact(self, message: str, **ids: str | float | None) -> None:
        """See `Telemetry.fact`."""
        self.facts.append((message, self._correlating() | ids))

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """See `Telemetry.fault`."""
        self.faults.append((message, type(error).__name__, self._correlating() | ids))

    @contextmanager
    def correlated(self, correlation_id: str | None) -> Iterator[None]:
        """See `Telemetry.correlated`."""
        self.correlation_ids.append(correlation_id)
        try:
            yield
        finally:
            self.correlation_ids.pop()

    def _correlating(self) -> dict[str, str | float | None]:
        current = self.correlation_ids[-1] if self.correlation_ids else None
        return {"correlation_id": current} if current else {}

    def place_of(self, error: BaseException) -> str | None:
        """See `Telemetry.place_of`."""
        frames = traceback.extract_tb(error.__traceback__)
        return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
