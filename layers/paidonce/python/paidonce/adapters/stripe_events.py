"""Stripe's list of events, for the reconciler.

https://docs.stripe.com/api/events/list
"""

from collections.abc import Mapping, Sequence
from typing import Any

from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.stripe_calls import Call, CallFailed, StripeCalls
from paidonce.domain.correlation import correlation_of
from paidonce.domain.errors import TryAgain
from paidonce.use_cases.ports import Clock, TimeLeft
from paidonce.use_cases.sweep_ports import EventPage, ListedEvent

_PAGE = 100
# A share of the rate limit is one of each second; four looks at each are enough to get it.
_PAUSE_SECONDS = 0.25


class StripeEventList:
    """The port `EventList`: waits for its share of the rate limit, and tries each page once."""

    def __init__(
        self, calls: StripeCalls, *, budget: Budget, clock: Clock, timeout_seconds: float
    ) -> None:
        self._calls = calls
        self._budget = budget
        self._clock = clock
        self._timeout_seconds = timeout_seconds

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
        """See `EventList.page`."""
        params: dict[str, Any] = {
            "limit": _PAGE,
            "types": list(types),
            "created": {"gte": created_from, "lte": created_to},
        }
        if after is not None:
            params["starting_after"] = after
        if only_undelivered:
            params["delivery_success"] = False
        self._wait_for_a_share(time_left)
        call = Call(method="get", path="/v1/events", params=params, must_have=("object",))
        try:
            found = self._calls.send(call, timeout_seconds=self._timeout_seconds).document
        except CallFailed as error:
            raise TryAgain("Stripe gave no usable answer") from error
        return EventPage(
            events=tuple(_read(one) for one in found["data"]), has_more=bool(found["has_more"])
        )

    def _wait_for_a_share(self, time_left: TimeLeft) -> None:
        while not self._budget.take():
            if time_left() < self._timeout_seconds + _PAUSE_SECONDS:
                raise TryAgain("the reconciler's share of Stripe's rate limit is used up")
            self._clock.pause(_PAUSE_SECONDS)


def _read(event: Mapping[str, Any]) -> ListedEvent:
    return ListedEvent(
        id=event["id"],
        type=event["type"],
        created=event["created"],
        livemode=event["livemode"] is True,
        correlation_id=correlation_of(event["id"], event["data"]["object"]),
    )
