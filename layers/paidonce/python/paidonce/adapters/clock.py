"""Real time."""

import time


class SystemClock:
    """The port `Clock` over the machine's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Sleep; a negative time is none."""
        time.sleep(max(0.0, seconds))
