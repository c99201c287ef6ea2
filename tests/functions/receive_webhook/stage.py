"""One stage in moto's AWS: its queue, its signing secret, and its receiver as Lambda loads it."""

import hmac
import json
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import stripe

from tests.examples import a_payload
from tests.fakes import FakeClock
from tests.functions.as_lambda import Context
from tests.functions.receive_webhook.settings import QUEUE_URL, SECRET_NAME
from tests.functions.receive_webhook.shapes import REQUEST_ID, Shape, http_api

OLD, NEW, CONNECT = "whsec" + "_old", "whsec" + "_new", "whsec" + "_connect"
NOW = 1_795_346_640


def document(*secrets: str | tuple[str, str]) -> str:
    """A `signing` document with these secrets, of the default endpoint or of a named one."""
    named = [("default", secret) if isinstance(secret, str) else secret for secret in secrets]
    endpoints = [
        {"id": f"we_{n}", "name": name, "secret": secret, "created": NOW, "retire_after": None}
        for n, (name, secret) in enumerate(named)
    ]
    return json.dumps({"based_on": None, "endpoints": endpoints})


@dataclass
class Stage:
    """One stage in moto's AWS, its receiver, and a clock that stands still."""

    handler: ModuleType
    clock: FakeClock
    context: Context
    sqs: Any
    secrets: Any

    def post(
        self, body: bytes, *signers: str, shape: Shape = http_api, **how: Any
    ) -> dict[str, Any]:
        """Post a body signed with these secrets (by default the old one), as Stripe does."""
        return self.send(shape(body, {"Stripe-Signature": self.sign(body, *signers)}, **how))

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.handler.handle(event, self.context)
        json.dumps(answer)  # Lambda's own condition
        return answer

    def sign(self, body: bytes, *signers: str, at: int = NOW) -> str:
        made = [
            stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
            for secret in signers or [OLD]
        ]
        return ",".join([made[0], *(one.split(",")[1] for one in made[1:])])

    def queued(self) -> list[dict[str, Any]]:
        """Every message of the queue; reading them hides them."""
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=QUEUE_URL, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += messages
        return found

    def put_secret(self, *secrets: str | tuple[str, str], stage: str = "AWSCURRENT") -> None:
        self.secrets.put_secret_value(
            SecretId=SECRET_NAME, SecretString=document(*secrets), VersionStages=[stage]
        )


def error_of(answer: dict[str, Any]) -> tuple[int, str]:
    error = json.loads(answer["body"])["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == REQUEST_ID
    return answer["statusCode"], error["code"]


def payload(**changes: Any) -> bytes:
    return json.dumps(a_payload() | changes, indent=2).encode()


def sign_bytes(body: bytes, secret: str = OLD) -> str:
    """For bytes that are no text: the official helper signs text only."""
    mac = hmac.new(secret.encode(), b"%d." % NOW + body, "sha256")
    return f"t={NOW},v1={mac.hexdigest()}"
