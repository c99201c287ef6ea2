"""The receiver's warm time beside the least that any receiver must do; prints one line of JSON.

Runs in a process of its own. Only the two AWS clients are stand-ins, which answer at once: reading
the request, the check, parsing, attributes, the log line and the metrics are the product's own.
"""

import hmac
import json
import statistics
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3

ROUNDS, CALLS = 15, 100
SECRET = "whsec" + "_bench"
BODY = open(sys.argv[1], "rb").read()  # noqa: PTH123, SIM115 - nothing is imported that the receiver does not


class Aws:
    """Secrets Manager and SQS, both at once and without a network."""

    def get_secret_value(self, **_: str) -> dict[str, str]:
        """A document with one live secret."""
        entry = {"id": "we_1", "name": "default", "secret": SECRET}
        return {"SecretString": json.dumps({"based_on": None, "endpoints": [entry]})}

    def send_message(self, **_: Any) -> dict[str, str]:
        """Everything is taken."""
        return {"MessageId": "1"}


def signed(body: bytes) -> str:
    """The header as Stripe makes it."""
    at = int(time.time())
    return f"t={at},v1={hmac.new(SECRET.encode(), b'%d.' % at + body, 'sha256').hexdigest()}"


def bare(body: bytes, header: str) -> None:
    """The least: read the header, one HMAC, one comparison, one parse."""
    at, signature = (item.partition("=")[2] for item in header.split(","))
    mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    if not hmac.compare_digest(mac, signature):
        raise ValueError("forged")
    json.loads(body)


def seconds_per_call(work: Callable[[], object]) -> float:
    """CPU time of one call, over a round."""
    start = time.process_time()
    for _ in range(CALLS):
        work()
    return (time.process_time() - start) / CALLS


def main() -> None:
    """Rounds of the two in turn, so that what disturbs one disturbs the other."""
    vars(boto3)["client"] = lambda *_, **__: Aws()
    from receive_webhook.handler import handle  # noqa: PLC0415 - only now are the clients replaced

    header = signed(BODY)
    context = SimpleNamespace(aws_request_id="5f0a3c2e-7d1b-4b57-9f5e-0c8a4f6d2b11")
    event = {
        "version": "2.0",
        "rawPath": "/webhooks/stripe",
        "headers": {"content-type": "application/json", "stripe-signature": header},
        "requestContext": {"requestId": "JKJaXmPLvHcESHA="},
        "body": BODY.decode(),
        "isBase64Encoded": False,
    }
    status = handle(event, context)["statusCode"]
    rounds = [
        (
            seconds_per_call(lambda: handle(event, context)),
            seconds_per_call(lambda: bare(BODY, header)),
        )
        for _ in range(ROUNDS)
    ]
    receiver, least = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        json.dumps(
            {
                "status": status,
                "bytes": len(BODY),
                "receiver": receiver,
                "bare": least,
                "ratio": receiver / least,
            }
        )
    )


main()
