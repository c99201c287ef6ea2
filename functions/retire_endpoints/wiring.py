"""The environment and clients of retire_endpoints, made once per container; nothing is called."""

import os

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_sweeps import DynamoDbSweeps
from paidonce.adapters.secret_versions import StoredSecretVersions
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_endpoints import StripeWebhookEndpoints
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.use_cases.edit_signing import EditSigning
from paidonce.use_cases.make_endpoint import EndpointMaker
from paidonce.use_cases.retire_endpoints import RETIREMENT, RetireEndpoints

rulebook.load(rules)

_STRIPE_API_VERSION = os.environ["STRIPE_API_VERSION"]
_calls = client_config()
_clock = SystemClock()
_secrets = boto3.client("secretsmanager", config=_calls)
telemetry = PowertoolsTelemetry(
    service="retire_endpoints",
    stage=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
)
_stripe = StripeSdkGateway(
    StripeCalls(
        StripeKey(
            _secrets,
            arn=os.environ["ENDPOINTS_KEY_ARN"],
            cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
            telemetry=telemetry,
        ),
        base_url=os.environ["STRIPE_API_URL"],
        clock=_clock,
        telemetry=telemetry,
        api_version=_STRIPE_API_VERSION,
    ),
    clock=_clock,
    telemetry=telemetry,
    call_timeout_seconds=float(os.environ["CALL_TIMEOUT_SECONDS"]),
)
retire_endpoints = RetireEndpoints(
    edit=EditSigning(
        secret=StoredSecretVersions(_secrets, arn=os.environ["SIGNING_SECRET_ARN"]), clock=_clock
    ),
    maker=EndpointMaker(
        endpoints=StripeWebhookEndpoints(_stripe, api_version=_STRIPE_API_VERSION),
        stage=os.environ["STAGE"],
        webhook_url=os.environ["WEBHOOK_URL"],
        event_types=rulebook.event_types(),
    ),
    sweeps=DynamoDbSweeps(
        boto3.client("dynamodb", config=_calls),
        payments_table=os.environ["PAYMENTS_TABLE"],
        name=RETIREMENT,
    ),
    clock=_clock,
    telemetry=telemetry,
    retire_after_seconds=float(os.environ["RETIRE_AFTER_SECONDS"]),
    overdue_after_seconds=float(os.environ["OVERDUE_AFTER_SECONDS"]),
    late_after_seconds=float(os.environ["LATE_AFTER_SECONDS"]),
)
