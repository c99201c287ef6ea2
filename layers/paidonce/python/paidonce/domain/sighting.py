"""One look at a Stripe object, and between which seconds it was true."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from paidonce.domain.stripe_event import StripeEvent


class Source(StrEnum):
    """Where a look at an object comes from."""

    PAYLOAD = "payload"  # an event's data.object
    FETCH = "fetch"  # a GET that we made
    ANSWER = "answer"  # what Stripe answered to a POST of ours


class Bounded(Protocol):
    """A row that knows between which seconds all that it knows was true; None: it knows nothing."""

    @property
    def as_of_from(self) -> int | None:
        """The earliest moment that it can show."""
        ...

    @property
    def as_of(self) -> int | None:
        """The latest."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What an object looked like at some moment from `as_of_from` to `as_of` (whole seconds).

    For a payload both bounds are the event's `created`. For a fetch or an answer the moment lies
    between Stripe's `Date` less the call's duration less one second, and that `Date`.
    """

    object: Mapping[str, Any]
    as_of_from: int
    as_of: int
    source: Source

    @classmethod
    def of_event(cls, event: StripeEvent) -> "Sighting":
        """The object as the event's payload carries it."""
        return cls(
            object=event.object,
            as_of_from=event.created,
            as_of=event.created,
            source=Source.PAYLOAD,
        )

    @classmethod
    def of_call(
        cls,
        found: Mapping[str, Any],
        *,
        date: int,
        duration_seconds: float,
        source: Source = Source.FETCH,
    ) -> "Sighting":
        """The object as Stripe answered at `date` (its Date header, seconds since 1970).

        Rounded down: an earlier lower bound only means one more fetch, a later one a lost update.
        """
        return cls(
            object=found,
            as_of_from=math.floor(date - duration_seconds - 1),
            as_of=date,
            source=source,
        )

    def is_after(self, known: Bounded) -> bool:
        """Certainly newer than all that is known: a later second than the end of its bounds."""
        return known.as_of is None or self.as_of_from > known.as_of

    def is_before(self, known: Bounded) -> bool:
        """Certainly part of what a fetch showed. A payload before a payload proves nothing.

        Bounds that are equal come from a payload: Stripe may date two events of one object either
        way.
        """
        return (
            known.as_of_from is not None
            and known.as_of_from != known.as_of
            and self.as_of < known.as_of_from
        )
