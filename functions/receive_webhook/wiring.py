"""The receiver's environment and clients, made once per container; nothing is called here."""

import os

import boto3
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.http import answer, respond
from paidonce.adapters.secrets import StoredSigningSecrets
from paidonce.adapters.sqs_queue import SqsLetterbox
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.use_cases.receive_webhook import ReceiveWebhook

__all__ = ["answer", "receive_webhook", "respond", "telemetry"]

# Secrets and queue at their slowest, with both tries of each, end before the function's 10 s do.
_CALLS = client_config(timeout_seconds=1.2)
_clock = SystemClock()

telemetry = PowertoolsTelemetry(
    service="receive_webhook",
    stage=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
)

receive_webhook = ReceiveWebhook(
    secrets=StoredSigningSecrets(
        boto3.client("secretsmanager", config=_CALLS),
        arn=os.environ["SIGNING_SECRET_ARN"],
        cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
        refresh_seconds=int(os.environ["SECRET_REFRESH_SECONDS"]),
        clock=_clock,
    ),
    letterbox=SqsLetterbox(
        boto3.client("sqs", config=_CALLS), queue_url=os.environ["EVENTS_QUEUE_URL"]
    ),
    clock=_clock,
    telemetry=telemetry,
    age_max_seconds=int(os.environ["SIGNATURE_AGE_MAX_SECONDS"]),
    ahead_max_seconds=int(os.environ["SIGNATURE_AHEAD_MAX_SECONDS"]),
)
