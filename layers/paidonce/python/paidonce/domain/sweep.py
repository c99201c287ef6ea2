"""How far we have looked through Stripe's list of events for what never reached us."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One window of Stripe's events: seconds of `created`, both ends included.

    Stripe lists the newest first and takes 20 types at a time, so the window is looked through
    group by group, downwards. In the group with this number everything created after `reached` is
    done; all of the groups before it are. `types` is the fingerprint of the event types: groups
    mean nothing under others. Of what was created from `fresh_from` on, which no window had before,
    is counted how much was seen, and how much of it had not reached us at `asked_at`, when the
    window was asked for. `version` is the lock.
    """

    window_from: int
    window_to: int
    types: str
    group: int = 0
    reached: int | None = None
    completed_at: int | None = None
    fresh_from: int | None = None
    fresh_seen: int = 0
    fresh_missing: int = 0
    asked_at: int | None = None
    version: int = 0

    @property
    def is_complete(self) -> bool:
        """True when nothing in the window is left to look at."""
        return self.completed_at is not None

    @property
    def is_untouched(self) -> bool:
        """True while nothing of the window was looked at."""
        return self.group == 0 and self.reached is None and not self.is_complete

    def covers(self, window_from: int, window_to: int) -> bool:
        """True when a window was looked through wholly."""
        return self.is_complete and self.window_from <= window_from and window_to <= self.window_to

    def counted(self, *, seen: int, missing: int) -> "Sweep":
        """With so many more fresh events seen, and so many of them missing."""
        return replace(
            self, fresh_seen=self.fresh_seen + seen, fresh_missing=self.fresh_missing + missing
        )

    def advanced(self, *, reached: int) -> "Sweep":
        """With a page of the group done, down to this second."""
        return replace(self, reached=reached)

    def group_done(self, *, groups: int, at: int) -> "Sweep":
        """With the group done; the last one completes the sweep."""
        following = self.group + 1
        return replace(
            self,
            group=following,
            reached=None,
            completed_at=at if following >= groups else None,
        )

    def anew(self, *, types: str) -> "Sweep":
        """The same window from its beginning, with other types."""
        return replace(
            self,
            types=types,
            group=0,
            reached=None,
            completed_at=None,
            fresh_seen=0,
            fresh_missing=0,
        )
