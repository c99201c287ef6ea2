"""What the use cases ask of Stripe, and of the secrets that go with it (see `ports`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import StripeCall
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import TimeLeft


class StripeReader(Protocol):
    """What the worker reads at Stripe, inside its share of the rate limit."""

    def retrieve(self, resource: str, object_id: str) -> Sighting:
        """The object as it is now.

        Raises TryAgain (no budget, 429, 5xx, no connection, KeyRefused, NotConfigured) and
        StripeRefused (404 and other 400s).
        """
        ...

    def event(self, event_id: str) -> StripeEvent:
        """The event itself; Stripe keeps them for 30 days. Raises as `retrieve`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Stripe's answer to a call of ours. `replayed`: stored at Stripe, so its state may be old."""

    seen: Sighting
    request_id: str | None
    replayed: bool


class StripeGateway(Protocol):
    """Any call of ours to Stripe with one restricted key; tries again until `time_left` is over."""

    def send(self, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """Make a call that stands in a row. The same key every time.

        Raises OutcomeUnknown (FailureStored where a repeat is no use), KeyRefused, NotConfigured,
        StripeRefused, CardDeclined.
        """
        ...

    def get(
        self,
        resource: str,
        object_id: str,
        *,
        time_left: TimeLeft,
        expand: Sequence[str] = (),
        may_be_absent: bool = False,
    ) -> Answer:
        """The object as it is now. Raises TryAgain, KeyRefused, NotConfigured, StripeRefused.

        `may_be_absent`: the id is somebody else's word, so a 404 is no bug of ours.
        """
        ...

    def listed(
        self,
        resource: str,
        *,
        created_from: int,
        created_to: int | None = None,
        time_left: TimeLeft,
        only: Mapping[str, Any] | None = None,
    ) -> Iterable[Mapping[str, Any]]:
        """Objects created in these seconds, both included, newest first, all pages.

        `only` are more parameters of the list, such as `{"active": True}`.

        Raises as `get`.
        """
        ...


class PaymentGateway(Protocol):
    """What the payments API asks of Stripe; tries again until `time_left` is over."""

    def create_intent(
        self, params: Mapping[str, Any], *, idempotency_key: str, time_left: TimeLeft
    ) -> Answer:
        """Raises OutcomeUnknown, KeyRefused, NotConfigured, StripeRefused."""
        ...

    def intent(self, intent_id: str, *, time_left: TimeLeft) -> Answer:
        """A GET. Raises as `create_intent`."""
        ...


@dataclass(frozen=True, kw_only=True)
class SigningSecret:
    """One live endpoint's signing secret; `name` is the route's endpoint name."""

    name: str
    secret: str = field(repr=False)


class SigningSecrets(Protocol):
    """The signing secrets that are live for an endpoint's name."""

    def current(self, name: str) -> Sequence[str]:
        """Secrets of AWSCURRENT, cached, and those of AWSPENDING that the last refresh found.

        Raises TryAgain when Secrets Manager does not answer.
        """
        ...

    def refreshed(self, name: str) -> Sequence[str] | None:
        """Secrets of AWSCURRENT and AWSPENDING, read anew; None when a refresh is not due yet.

        Raises NotConfigured when neither version has any endpoint, due or not.
        """
        ...
