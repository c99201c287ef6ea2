"""Stripe as an operator asks it, with the keys that the stage's secrets hold."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paidonce import rules
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.secret_versions import StoredSecretVersions
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_endpoints import StripeWebhookEndpoints
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.stripe_key_prober import StripeKeyProber
from paidonce.domain import rulebook
from paidonce.use_cases.edit_signing import EditSigning
from paidonce.use_cases.judge_key import JudgeKey
from paidonce.use_cases.make_endpoint import EndpointMaker, MakeEndpoint

from ops.place import SIGNING, Place

rulebook.load(rules)

_CALL_TIMEOUT_SECONDS = 10.0


class QuietTelemetry:
    """The port `Telemetry` for a terminal: what there is to say, the command says itself."""

    def count(self, metric: str, value: int = 1) -> None:
        """Nothing is counted."""

    def alarm(self, metric: str) -> None:
        """Nobody is woken."""

    def fact(self, message: str, **ids: str | float | None) -> None:
        """Nothing is logged."""

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """Nothing is logged."""

    def correlated(self, correlation_id: str | None) -> nullcontext[None]:  # noqa: ARG002 - the port's shape
        """Nothing is logged."""
        return nullcontext()

    def place_of(self, error: BaseException) -> str | None:  # noqa: ARG002 - the port's shape
        """Nowhere."""
        return None


@dataclass(frozen=True)
class AtStripe:
    """Adapters and use cases over one place."""

    place: Place

    @cached_property
    def clock(self) -> SystemClock:
        """The machine's own."""
        return SystemClock()

    @cached_property
    def prober(self) -> StripeKeyProber:
        """Asks what a key may do, within the stage's share of Stripe's rate limit."""
        return StripeKeyProber(
            base_url=self.place.stripe_api_url,
            api_version=self.place.settings["stripe.api_version"],
            clock=self.clock,
            telemetry=QuietTelemetry(),
            per_second=self.place.settings["budgets.probe_per_second"],
            call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
        )

    @property
    def judge(self) -> JudgeKey:
        """As rotate_secret judges a new key."""
        settings = self.place.settings
        return JudgeKey(
            prober=self.prober,
            livemode=settings.livemode,
            account=settings["stripe.account"] or None,
        )

    def versions(self, secret: str) -> StoredSecretVersions:
        """A secret with its labels."""
        return StoredSecretVersions(self.place.secrets_manager, arn=self.place.arn(secret))

    def endpoints(self, key_secret: str) -> StripeWebhookEndpoints:
        """Webhook endpoints by the key of this secret: `reader` sees them, `endpoints` writes."""
        version: Any = self.place.settings["stripe.api_version"]
        calls = StripeCalls(
            StripeKey(
                self.place.secrets_manager,
                arn=self.place.arn(key_secret),
                cache_seconds=60,
                telemetry=QuietTelemetry(),
            ),
            base_url=self.place.stripe_api_url,
            clock=self.clock,
            telemetry=QuietTelemetry(),
            api_version=version,
        )
        gateway = StripeSdkGateway(
            calls,
            clock=self.clock,
            telemetry=QuietTelemetry(),
            call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
        )
        return StripeWebhookEndpoints(gateway, api_version=version)

    @property
    def edit_signing(self) -> EditSigning:
        """Edits the signing document beside rotations."""
        return EditSigning(secret=self.versions(SIGNING), clock=self.clock)

    @property
    def make_endpoint(self) -> MakeEndpoint:
        """Makes the first endpoint of a name, with exactly the events that have rules."""
        return MakeEndpoint(
            maker=EndpointMaker(
                endpoints=self.endpoints("endpoints"),
                stage=self.place.settings.stage,
                webhook_url=self.place.webhook_url,
                event_types=rulebook.event_types(),
            ),
            edit=self.edit_signing,
            retire_after_seconds=self.place.settings["rotation.retire_after_seconds"],
        )
