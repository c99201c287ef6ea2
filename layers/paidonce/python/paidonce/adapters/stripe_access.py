"""Access to Stripe by one restricted key, behind that key's breaker."""

from typing import TYPE_CHECKING

from paidonce.adapters.breaker import Breaker
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.use_cases.ports import Clock, Telemetry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient


def guarded_calls(  # noqa: PLR0913 - what five functions give, each by its name
    *,
    key_arn: str,
    secrets: "SecretsManagerClient",
    dynamodb: "DynamoDBClient",
    payments_table: str,
    base_url: str,
    api_version: str,
    cache_seconds: int,
    probe_seconds: int,
    clock: Clock,
    telemetry: Telemetry,
) -> StripeCalls:
    """Calls with the key in this secret, none while its breaker is open. Nothing is asked yet.

    `cache_seconds`: how long a read key is believed. `probe_seconds`: how often an open breaker
    lets one caller ask whether Stripe accepts the key again.
    """
    key = StripeKey(secrets, arn=key_arn, cache_seconds=cache_seconds, telemetry=telemetry)
    return StripeCalls(
        key,
        base_url=base_url,
        clock=clock,
        telemetry=telemetry,
        api_version=api_version,
        breaker=Breaker(
            dynamodb,
            payments_table=payments_table,
            key=key,
            clock=clock,
            telemetry=telemetry,
            probe_seconds=probe_seconds,
        ),
    )
