"""Both Stripe adapters before a server with canned answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from paidonce.adapters.breaker import Breaker
from paidonce.adapters.dynamodb_counters import Budget
from paidonce.adapters.secrets import KeyVersion
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway, StripeSdkReader
from paidonce.domain.errors import NotConfigured
from paidonce.use_cases.stripe_ports import Answer

from tests.adapters.canned import STRIPE_NOW, Canned, CannedServer, canned_server
from tests.examples import an_intent
from tests.fakes import FakeClock, FakeCounter
from tests.fakes_telemetry import FakeTelemetry

INTENT = an_intent() | {"client_secret": "pi_1_sec" + "ret_x", "created": STRIPE_NOW - 5}
GOOD = Canned(body=INTENT)
SECRET = "paidonce/test/stripe/keys/payments"
KEYS = ("rk_" + "test_first", "rk_" + "test_second")
PARAMS = {"amount": 1000, "currency": "usd", "metadata": {"paidonce_payment": "pay_1"}}


def refusal(status: int, code: str | None = None, **more: str) -> Canned:
    """An error of Stripe's; what is given beside status and code are headers."""
    told = {"type": "invalid_request_error", "code": code, "message": "words", "param": "amount"}
    return Canned(status, {"error": told}, {k.replace("_", "-"): v for k, v in more.items()})


class RotatedKey:
    """A key that was rotated: read anew it is another one. `before` is under AWSPREVIOUS."""

    secret_name = SECRET

    def __init__(self, *keys: str, before: str | None = None) -> None:
        self.keys = list(keys)
        self.before = before
        self.refreshes = 0

    def current(self, *, anew: bool = False) -> KeyVersion:
        """The cached key, or as it is stored now."""
        if anew:
            self.refreshes += 1
            self.keys = self.keys[1:] or self.keys
        if not self.keys:
            raise NotConfigured("no key")
        return a_version(self.keys[0])

    def previous(self) -> KeyVersion | None:
        """The key before."""
        return a_version(self.before) if self.before else None


def a_version(key: str) -> KeyVersion:
    """A version of the secret that holds this key."""
    return KeyVersion(version_id=f"version of {key[-6:]}", key=key)


@dataclass
class Bench:
    """The adapters before a canned Stripe, with a clock that only pauses move."""

    server: CannedServer
    key: RotatedKey = field(default_factory=lambda: RotatedKey(*KEYS))
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    counter: FakeCounter = field(default_factory=FakeCounter)
    breaker: Breaker | None = None

    @property
    def calls(self) -> StripeCalls:
        """What both adapters send through."""
        return StripeCalls(
            self.key,
            base_url=self.server.url,
            clock=self.clock,
            telemetry=self.telemetry,
            breaker=self.breaker,
        )

    def gateway(self, call_timeout_seconds: float = 8, per_second: int = 60) -> StripeSdkGateway:
        """The API's side."""
        return StripeSdkGateway(
            self.calls,
            clock=self.clock,
            telemetry=self.telemetry,
            call_timeout_seconds=call_timeout_seconds,
            budget=Budget(self.counter, self.clock, use="api", per_second=per_second),
        )

    def reader(self, timeout_seconds: float = 5, per_second: int = 20) -> StripeSdkReader:
        """The worker's side."""
        budget = Budget(self.counter, self.clock, use="worker", per_second=per_second)
        return StripeSdkReader(self.calls, budget=budget, timeout_seconds=timeout_seconds)

    def creates(self, *answers: Canned, seconds: float = 22, timeout: float = 8) -> Answer:
        """Create an intent while Stripe answers so."""
        self.server.answers = list(answers)
        return self.gateway(timeout).create_intent(
            PARAMS, idempotency_key="pay_1_a1", time_left=self.clock.time_left(seconds)
        )

    def gets(self, *answers: Canned, seconds: float = 22) -> Answer:
        """Read an intent for the API."""
        self.server.answers = list(answers)
        return self.gateway().intent("pi_1", time_left=self.clock.time_left(seconds))

    @property
    def statuses(self) -> list[object]:
        """Statuses of all requests, as they were logged."""
        return [ids["status"] for _, ids in self.telemetry.facts]


@contextmanager
def before_canned_stripe() -> Iterator[Bench]:
    """A bench whose server runs until the end of the block."""
    with canned_server() as server:
        yield Bench(server)
