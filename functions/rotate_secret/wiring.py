"""The environment and clients of rotate_secret, made once per container; nothing is called here."""

import os

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.public_door import HttpDoor
from paidonce.adapters.secret_versions import StoredSecretVersions
from paidonce.adapters.secrets import StripeKey, secret_name
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_endpoints import StripeWebhookEndpoints
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.stripe_key_prober import StripeKeyProber
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.errors import RotationRefused
from paidonce.domain.ownership import Stage
from paidonce.use_cases.judge_key import JudgeKey
from paidonce.use_cases.make_endpoint import EndpointMaker
from paidonce.use_cases.ring_receiver import RingReceiver
from paidonce.use_cases.rotate_key import RotateKey
from paidonce.use_cases.rotate_signing import RotateSigning
from paidonce.use_cases.rotation_ports import Rotation

rulebook.load(rules)

_CALL_TIMEOUT_SECONDS = float(os.environ["CALL_TIMEOUT_SECONDS"])
_STRIPE_API_VERSION = os.environ["STRIPE_API_VERSION"]
_SIGNING_SECRET_ARN = os.environ["SIGNING_SECRET_ARN"]
# By the name that the manifest of permissions has for each.
_KEY_ARNS = {
    "payments": os.environ["PAYMENTS_KEY_ARN"],
    "refunds": os.environ["REFUNDS_KEY_ARN"],
    "reader": os.environ["READER_KEY_ARN"],
    "endpoints": os.environ["ENDPOINTS_KEY_ARN"],
}
_clock = SystemClock()
_secrets = boto3.client("secretsmanager", config=client_config())
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")
telemetry = PowertoolsTelemetry(
    service="rotate_secret", stage=_stage.name, livemode=_stage.livemode
)
_calls = StripeCalls(
    StripeKey(
        _secrets,
        arn=_KEY_ARNS["endpoints"],
        cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
        telemetry=telemetry,
    ),
    base_url=os.environ["STRIPE_API_URL"],
    clock=_clock,
    telemetry=telemetry,
    api_version=_STRIPE_API_VERSION,
)
_gateway = StripeSdkGateway(
    _calls, clock=_clock, telemetry=telemetry, call_timeout_seconds=_CALL_TIMEOUT_SECONDS
)
_judge = JudgeKey(
    prober=StripeKeyProber(
        base_url=os.environ["STRIPE_API_URL"],
        api_version=_STRIPE_API_VERSION,
        clock=_clock,
        telemetry=telemetry,
        per_second=int(os.environ["PROBE_BUDGET_PER_SECOND"]),
        call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
    ),
    livemode=_stage.livemode,
    account=os.environ["STRIPE_ACCOUNT"] or None,
)

# How each secret rotates, by its ARN.
_ROTATIONS: dict[str, Rotation] = {
    _SIGNING_SECRET_ARN: RotateSigning(
        secret=StoredSecretVersions(_secrets, arn=_SIGNING_SECRET_ARN),
        maker=EndpointMaker(
            endpoints=StripeWebhookEndpoints(_gateway, api_version=_STRIPE_API_VERSION),
            stage=_stage.name,
            webhook_url=os.environ["WEBHOOK_URL"],
            event_types=rulebook.event_types(),
        ),
        ring=RingReceiver(
            door=HttpDoor(timeout_seconds=_CALL_TIMEOUT_SECONDS),
            clock=_clock,
            telemetry=telemetry,
            stage=_stage,
        ),
        clock=_clock,
        telemetry=telemetry,
        retire_after_seconds=float(os.environ["RETIRE_AFTER_SECONDS"]),
    ),
} | {
    arn: RotateKey(
        name=name,
        secret=StoredSecretVersions(_secrets, arn=arn),
        judge=_judge,
        clock=_clock,
        telemetry=telemetry,
        age_max_days=int(os.environ["KEY_AGE_MAX_DAYS"]),
    )
    for name, arn in _KEY_ARNS.items()
}


def rotation_of(secret_arn: str) -> Rotation:
    """How this secret rotates; raises RotationRefused for one that is not ours."""
    if secret_arn not in _ROTATIONS:
        raise RotationRefused(f"rotate_secret does not rotate {name_of(secret_arn)}")
    return _ROTATIONS[secret_arn]


def name_of(secret_arn: str) -> str:
    """The name of a secret, as people and logs call it."""
    return secret_name(secret_arn)
