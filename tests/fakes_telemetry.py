"""Telemetry in memory: a fake of the port `Telemetry`."""

import traceback
from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePath


class FakeTelemetry:
    """`Telemetry` that keeps what it was told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.facts: list[tuple[str, Mapping[str, str | float | None]]] = []
        self.faults: list[tuple[str, str, Mapping[str, str | float | None]]] = []

    def count(self, metric: str, value: int = 1) -> None:
        """See `Telemetry.count`."""
        self.counts[metric] += value

    def alarm(self, metric: str) -> None:
        """See `Telemetry.alarm`."""
        self.count(metric)

    def fact(self, message: str, **ids: str | float | None) -> None:
        """See `Telemetry.fact`."""
        self.facts.append((message, ids))

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """See `Telemetry.fault`."""
        self.faults.append((message, type(error).__name__, ids))

    def place_of(self, error: BaseException) -> str | None:
        """See `Telemetry.place_of`."""
        frames = traceback.extract_tb(error.__traceback__)
        return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
