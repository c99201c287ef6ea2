"""Wakes up when a timer of an account is due, and moves its clock on request."""

import asyncio
import logging

from local.stripe.accounts import Account

# The clock may be moved while we sleep; this bounds how late we notice.
_NAP_SECONDS = 0.5
_LOGGER = logging.getLogger(__name__)


class Timekeeper:
    """One account's timers, run in this process's event loop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        account.timers.on_set = self.wake

    def wake(self) -> None:
        """Looks at the timers again."""
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def advance(self, seconds: float) -> None:
        """Moves the clock ahead, stopping at each timer on the way so that it sees its own time."""
        clock = self._account.clock
        target = clock.exact() + seconds
        while (upcoming := self._account.timers.next_at()) is not None and upcoming <= target:
            clock.advance(max(upcoming - clock.exact(), 0))
            self._run_due()
        clock.advance(max(target - clock.exact(), 0))
        self.wake()

    def stop(self) -> None:
        """Ends the task."""
        if self._task is not None:
            self._task.cancel()

    def _run_due(self) -> None:
        try:
            self._account.timers.run_due()
            self._account.commit()
        except Exception:
            # One broken timer must not stop the others; the log says which it was.
            _LOGGER.exception("A timer of %s failed.", self._account.id)
            self._account.rollback()

    async def _run(self) -> None:
        while (upcoming := self._account.timers.next_at()) is not None:
            self._run_due()
            self._wake.clear()
            ahead = upcoming - self._account.clock.exact()
            try:
                await asyncio.wait_for(self._wake.wait(), max(min(ahead, _NAP_SECONDS), 0.005))
            except TimeoutError:
                continue
