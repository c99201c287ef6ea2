"""The stand-in Stripe in this process, for contracts of what is asked of Stripe."""

from collections.abc import Iterator
from contextlib import contextmanager

from paidonce.adapters.clock import SystemClock
from paidonce.adapters.secrets import KeyVersion
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway

from local.stripe.application import Settings
from local.stripe.identifiers import random_letters
from local.stripe.server import running
from tests.fakes_telemetry import FakeTelemetry


class OneKey:
    """A key that nobody used before: an account of its own."""

    secret_name = "none"

    def __init__(self) -> None:
        self.text = "sk_" + "test_" + random_letters(24)

    def current(self, *, anew: bool = False) -> KeyVersion:  # noqa: ARG002 - the port's shape
        """Always this one."""
        return KeyVersion(version_id="v1", key=self.text)

    def previous(self) -> KeyVersion | None:
        """None before."""
        return None


@contextmanager
def at_the_stand_in(address: str | None = None) -> Iterator[tuple[StripeCalls, OneKey, str]]:
    """Calls with a fresh account, its key, and where the stand-in is."""
    if address is None:
        with running(Settings()) as started, at_the_stand_in(started) as found:
            yield found
        return
    key = OneKey()
    yield (
        StripeCalls(key, base_url=address, clock=SystemClock(), telemetry=FakeTelemetry()),
        key,
        address,
    )


def gateway(calls: StripeCalls) -> StripeSdkGateway:
    """With tries, as the functions have it."""
    return StripeSdkGateway(
        calls, clock=SystemClock(), telemetry=FakeTelemetry(), call_timeout_seconds=8
    )
