"""What an account does by itself when its clock reaches a second."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Ticking(Protocol):
    """Whatever tells the time: an account's clock, or a test clock."""

    def exact(self) -> float:
        """The time with fractions."""


@dataclass(order=True, slots=True)
class _Timer:
    at: float
    order: int
    action: Callable[[], None] = field(compare=False)


class Timers:
    """One account's timers."""

    def __init__(self, clock: Ticking) -> None:
        self._clock = clock
        self._timers: list[_Timer] = []
        self._order = itertools.count()
        # Told when a timer is set, so that whoever sleeps wakes up.
        self.on_set: Callable[[], None] = lambda: None

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something so many seconds from now."""
        self.at(self._clock.exact() + seconds, action)

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Does something at this time of the account."""
        heapq.heappush(self._timers, _Timer(moment, next(self._order), action))
        self.on_set()

    def next_at(self) -> float | None:
        """When the next timer is due."""
        return self._timers[0].at if self._timers else None

    def run_due(self) -> None:
        """Runs what is due, in order of time; timers that these set are run too."""
        while self._timers and self._timers[0].at <= self._clock.exact():
            heapq.heappop(self._timers).action()

    def clear(self) -> None:
        """Forgets every timer."""
        self._timers.clear()
