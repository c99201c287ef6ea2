"""Time as an account sees it: wall time, moved ahead by what tests have asked for."""

import time


class Clock:
    """An account's clock, in whole seconds since 1970; it runs with wall time."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def now(self) -> int:
        """The account's second; `created` of every object."""
        return int(self.exact())

    def exact(self) -> float:
        """The account's time with fractions, for schedules."""
        return time.time() + self._ahead_seconds

    def advance(self, seconds: float) -> None:
        """Moves the clock ahead; it never goes back."""
        if seconds < 0:
            raise ValueError("The clock moves ahead only: `seconds` must not be negative.")
        self._ahead_seconds += seconds
