"""Secrets and people's data, planted in all that Stripe answers, never reach a log or a metric."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.http import answer
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain.errors import PaidOnceError

from tests.adapters.canned import Canned, CannedServer, canned_server
from tests.adapters.places import Place
from tests.adapters.test_imports import LAYER
from tests.fakes import FakeClock

KEY = "rk_" + "live_canarykey"
CLIENT_SECRET = "pi_1_sec" + "ret_canary"
CANARIES = (
    KEY,
    CLIENT_SECRET,
    "canary@example.com",
    "4242424242424242",
    "Canary Street 7",
    "wh" + "sec_canary",
)
PERSON = " ".join(CANARIES)
PARAMS = {"amount": 1000, "currency": "usd", "description": PERSON, "metadata": {"note": PERSON}}


def told(status: int, **more: Any) -> Canned:
    error = {"type": "card_error", "message": PERSON, "payment_intent": {"receipt_email": PERSON}}
    return Canned(status, {"error": error | more}, {"Stripe-Should-Retry": "false"})


ANSWERS = [
    Canned(body={"id": "pi_1", "status": PERSON, "client_secret": CLIENT_SECRET, "name": PERSON}),
    Canned(body={"id": PERSON}),
    Canned(body=PERSON),
    Canned(500, PERSON),
    Canned(closes=True),
    *(told(status) for status in (400, 401, 402, 403, 404, 409, 429, 500)),
    told(400, code=PERSON, param=PERSON),
    told(400, code="parameter_invalid", param=f"metadata[{PERSON}]", doc_url=PERSON),
    Canned(400, {"error": PERSON}),
    Canned(429, {"error": {"message": PERSON}}, {"Stripe-Rate-Limited-Reason": PERSON}),
    Canned(200, {"id": "pi_1"}, {"Request-Id": PERSON, "Idempotent-Replayed": PERSON}),
    Canned(500, {"error": {"message": PERSON}}, {"Stripe-Notice": PERSON}),
]


@dataclass
class Net:
    """All that is written anywhere: stdout, stderr, and every logger at its loudest."""

    files: pytest.CaptureFixture[str]
    logs: pytest.LogCaptureFixture
    server: CannedServer

    @property
    def text(self) -> str:
        """What was written since the last look."""
        caught = self.files.readouterr()
        return caught.out + caught.err + self.logs.text


@pytest.fixture
def net(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[Net]:
    caplog.set_level(logging.DEBUG)
    with canned_server() as server:
        yield Net(capfd, caplog, server)


def taken(net: Net, place: Place) -> BaseException | None:
    """Try to take a payment as a function would: errors end at its edge, which logs them once."""
    arn = place.secret(json.dumps({"key": KEY}))
    telemetry = PowertoolsTelemetry(service=f"canary_{arn[-8:]}", stage="t", livemode=True)
    clock = FakeClock()
    client = place.client("secretsmanager")
    key = StripeKey(client, arn=arn, cache_seconds=300, telemetry=telemetry)
    calls = StripeCalls(key, base_url=net.server.url, clock=clock, telemetry=telemetry)
    gateway = StripeSdkGateway(calls, clock=clock, telemetry=telemetry, call_timeout_seconds=8)
    with telemetry.invocation(request_id="req-1", correlation_id="cor-1"):
        try:
            gateway.create_intent(PARAMS, idempotency_key="pay_1_a1", time_left=clock.time_left(5))
        except PaidOnceError as error:
            telemetry.fault("the payment could not be taken", error, payment_id="pay_1")
            return error
    return None


@pytest.mark.parametrize("canned", ANSWERS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_canary_is_written_whatever_stripe_answers(
    net: Net, moto: Place, canned: Canned
) -> None:
    net.server.answers = [canned]
    error = taken(net, moto)
    text = net.text
    assert "stripe call" in text
    assert "StripeCalls" in text
    if error is not None:
        text += str(error) + answer(error, "req-1")["body"]
    assert [canary for canary in CANARIES if canary in text] == []


def test_a_planted_canary_would_be_seen(net: Net) -> None:
    """The net has no hole: what is logged anywhere is found."""
    logging.getLogger("anything").debug(KEY)
    assert KEY in net.text


def test_the_librarys_own_log_stays_off_even_when_the_environment_asks_for_it() -> None:
    """STRIPE_LOG=debug makes the library write whole payloads to stderr."""
    code = "import paidonce.adapters.stripe_calls, stripe._util as u; u.log_debug('payload')"
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(LAYER), "STRIPE_LOG": "debug"},
    )
    assert done.stdout + done.stderr == ""


def test_the_real_clock_tells_time_and_pauses() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.pause(0.01)
    clock.pause(-1)
    assert 0.009 < clock.now() - before < 5
