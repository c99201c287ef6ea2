"""Stripe's rate limits, off unless asked for: 100/s live, 25/s test, 25/s each endpoint."""

from collections import Counter, deque
from dataclasses import dataclass, field
from time import monotonic

from local.stripe.errors import StripeError

_LIVE_PER_SECOND = 100
_TEST_PER_SECOND = 25
_ENDPOINT_PER_SECOND = 25


@dataclass(slots=True)
class RateLimits:
    """Requests of the last second, counted for the account and for each endpoint."""

    livemode: bool
    on: bool = False
    _recent: deque[tuple[float, str]] = field(default_factory=deque)
    _per_endpoint: Counter[str] = field(default_factory=Counter)

    def check(self, endpoint: str) -> None:
        """Counts this request, or raises 429."""
        if not self.on:
            return
        now = monotonic()
        while self._recent and now - self._recent[0][0] >= 1:
            _, old = self._recent.popleft()
            self._per_endpoint[old] -= 1
        if len(self._recent) >= (_LIVE_PER_SECOND if self.livemode else _TEST_PER_SECOND):
            raise too_many("global-rate")
        if self._per_endpoint[endpoint] >= _ENDPOINT_PER_SECOND:
            raise too_many("endpoint-rate")
        self._recent.append((now, endpoint))
        self._per_endpoint[endpoint] += 1


def too_many(reason: str) -> StripeError:
    """429 with the header that says which limit it was."""
    return StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here"
        " https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        stored=False,
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def locked() -> StripeError:
    """429 because another request holds the object."""
    return StripeError(
        429,
        "This object cannot be accessed right now because another API request or Stripe process"
        " is currently accessing it. If you see this error intermittently, retry the request. If"
        " you see this error frequently and are making multiple concurrent requests to a single"
        " object, make your requests serially or at a lower rate. For more details, see"
        " https://stripe.com/docs/rate-limits#object-lock-timeouts.",
        code="lock_timeout",
        stored=False,
    )
