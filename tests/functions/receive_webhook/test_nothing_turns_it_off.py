"""No setting, header or field of a request makes the receiver take what Stripe did not sign."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

from tests.functions.as_lambda import Context
from tests.functions.receive_webhook.settings import ENVIRONMENT
from tests.functions.receive_webhook.shapes import SHAPES, http_api
from tests.functions.receive_webhook.stage import NEW, NOW, OLD, document, payload
from tests.functions.receive_webhook.stage import sign_bytes as sign

OURS = [name for name in ENVIRONMENT if not name.startswith(("AWS_", "POWERTOOLS_"))]
VALUES = ["", "0", "-1", "false", "none", "off", "local", "1e9", "999999999", "inf", "nan"]
TEMPTING = [
    "SKIP_SIGNATURE",
    "DISABLE_SIGNATURE_VERIFICATION",
    "STRIPE_SKIP_VERIFY",
    "DEBUG",
    "TESTING",
    "ENVIRONMENT",
    "POWERTOOLS_DEV",
    "PYTHONOPTIMIZE",
    "AWS_SAM_LOCAL",
]


class Aws:
    """Secrets Manager and SQS in one: a live secret, and a queue that takes everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": document(OLD)}

    def send_message(self, **message: Any) -> dict[str, str]:
        self.sent.append(message["MessageBody"])
        return {"MessageId": "1"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Also stops the clock, so that nothing is refused for its age alone."""
    found = Aws()
    monkeypatch.setattr("time.time", lambda: float(NOW))
    monkeypatch.setattr(boto3, "client", lambda *_, **__: found)
    return found


def forgeries() -> list[dict[str, Any]]:
    """Unsigned, signed by nobody, by somebody else, with nothing, for another body, long ago."""
    body = payload()
    headers: list[dict[str, str]] = [
        {},
        {"Stripe-Signature": f"t={NOW},v1="},
        {"Stripe-Signature": sign(body, NEW)},
        {"Stripe-Signature": sign(body, "")},
        {"Stripe-Signature": sign(b"{}")},
        {"Stripe-Signature": "t=1,v1=" + sign(body).partition("v1=")[2]},
        {"Stripe-Signature": sign(body).replace("v1=", "v0=")},
    ]
    return [shape(body, header) for shape in SHAPES.values() for header in headers]


def accepted(handler: ModuleType, aws: Aws, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was answered with 200; what was queued without it is accepted as well."""
    taken = [
        e for e in events if handler.handle(e, Context("receive_webhook"))["statusCode"] == 200
    ]
    assert len(taken) == len(aws.sent)
    return taken


@pytest.mark.filterwarnings("ignore:The dimension stage")  # of an empty STAGE
@pytest.mark.parametrize("name", [*OURS, *TEMPTING])
def test_no_environment_variable_does(load: Callable[..., ModuleType], aws: Aws, name: str) -> None:
    """The receiver refuses to start with a setting that makes no sense, or it verifies."""
    for value in VALUES:
        try:
            handler = load(**{name: value})
        except (ValueError, OverflowError):
            continue
        assert accepted(handler, aws, forgeries()) == [], value


def test_no_header_or_field_of_the_request_does(load: Callable[..., ModuleType], aws: Aws) -> None:
    handler = load()
    unsigned = http_api(payload(), {})
    tempting = [
        unsigned | {"headers": unsigned["headers"] | {name: value}}
        for name in ("x-skip-signature", "x-debug", "x-stripe-test", "authorization", "user-agent")
        for value in ("true", "1", "Stripe/1.0")
    ]
    tempting += [unsigned | {name: True} for name in ("verified", "test", "skip_signature")]
    tempting += [
        unsigned | {"queryStringParameters": {"skip_signature": "true"}},
        unsigned | {"stageVariables": {"verify": "false"}},
        unsigned | {"requestContext": {"authorizer": {"verified": True}}},
        {"Records": [{"body": payload().decode()}]},
        {"detail": json.loads(payload()), "source": "aws.partner/stripe.com"},
        {"body": payload().decode()},
        {},
    ]
    assert accepted(handler, aws, tempting) == []


def test_the_same_receiver_takes_what_stripe_signed(
    load: Callable[..., ModuleType], aws: Aws
) -> None:
    """Otherwise the tests above would prove nothing."""
    event = http_api(payload(), {"Stripe-Signature": sign(payload())})
    assert accepted(load(), aws, [event]) == [event]


@pytest.mark.parametrize("name", ["SIGNATURE_AGE_MAX_SECONDS", "SIGNATURE_AHEAD_MAX_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "3601", "999999999"])
def test_a_tolerance_beyond_an_hour_does_not_even_start(
    load: Callable[..., ModuleType], aws: Aws, name: str, value: str
) -> None:
    with pytest.raises(ValueError, match="not within an hour"):
        load(**{name: value})
    assert aws.sent == []
