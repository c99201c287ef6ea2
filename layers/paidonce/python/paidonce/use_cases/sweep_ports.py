"""What a sweep asks of the world: Stripe's list of events, and a note of how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paidonce.domain.sweep import Sweep
from paidonce.use_cases.ports import TimeLeft


@dataclass(frozen=True, kw_only=True)
class ListedEvent:
    """One entry of Stripe's list; `created` in seconds since 1970.

    `correlation_id`: as the receiver would have called it.
    """

    id: str
    type: str
    created: int
    livemode: bool
    correlation_id: str


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Up to a hundred events, the newest first."""

    events: Sequence[ListedEvent]
    has_more: bool


class EventList(Protocol):
    """Stripe's events of the last 30 days, inside our share of its rate limit."""

    def page(
        self,
        *,
        types: Sequence[str],
        created_from: int,
        created_to: int,
        after: str | None,
        only_undelivered: bool,
        time_left: TimeLeft,
    ) -> EventPage:
        """One page of these types (20 at most); `after` is the last id of the page before.

        `only_undelivered`: those that an endpoint, not necessarily ours, has not accepted.

        Raises TryAgain (no budget while time lasts, no usable answer), KeyRefused, NotConfigured.
        """
        ...


class Sweeps(Protocol):
    """The one sweep that was asked for last."""

    def standing(self) -> Sweep | None:
        """One consistent read; raises TryAgain."""
        ...

    def save(self, sweep: Sweep, *, over: Sweep | None) -> Sweep:
        """Write it over what was read (None: nothing there yet); answers it with its new version.

        Raises ChangedMeanwhile, TryAgain.
        """
        ...
