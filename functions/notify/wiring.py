"""The environment and clients of notify, made once per container; nothing is called here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from paidonce.adapters.aws import client_config
from paidonce.adapters.lease import PowertoolsLease
from paidonce.adapters.sns_notices import SnsNotices
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain.notice import Audience
from paidonce.use_cases.consume import Consume
from paidonce.use_cases.notify import Notify

_calls = client_config()
_telemetry = PowertoolsTelemetry(
    service="notify", stage=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true"
)
# Under the domain event's id, for longer than anything can bring it again.
_lease = PowertoolsLease(
    boto3.client("dynamodb", config=_calls),
    idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
    key_prefix="notify",
    lease_seconds=int(os.environ["REMEMBERED_SECONDS"]),
)
_consume = Consume(
    lease=_lease,
    telemetry=_telemetry,
    act=Notify(
        notices=SnsNotices(
            boto3.client("sns", config=_calls),
            topics={
                Audience.CUSTOMER: os.environ["CUSTOMER_TOPIC_ARN"],
                Audience.BACK_OFFICE: os.environ["BACK_OFFICE_TOPIC_ARN"],
            },
        ),
        telemetry=_telemetry,
    ),
)


@contextmanager
def invocation(context: Any) -> Iterator[Consume]:
    """Around one invocation: its id on every line, its deadline on the lease, its metrics out."""
    with _telemetry.invocation(request_id=context.aws_request_id):
        _lease.register_lambda_context(context)
        yield _consume
