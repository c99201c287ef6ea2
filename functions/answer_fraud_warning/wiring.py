"""The environment and clients of answer_fraud_warning, made once per container."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.lease import PowertoolsLease
from paidonce.adapters.sns_notices import SnsNotices
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain.fraud_refund import FraudRefund
from paidonce.domain.notice import Audience
from paidonce.domain.ownership import Stage
from paidonce.use_cases.answer_fraud_warning import AnswerFraudWarning
from paidonce.use_cases.consume import Consume

_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")
_telemetry = PowertoolsTelemetry(
    service="answer_fraud_warning", stage=_stage.name, livemode=_stage.livemode
)
_lease = PowertoolsLease(
    _dynamodb,
    idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
    key_prefix="answer_fraud_warning",
    lease_seconds=int(os.environ["REMEMBERED_SECONDS"]),
)
_consume = Consume(
    lease=_lease,
    telemetry=_telemetry,
    # Several domain events can tell of one warning; its refund has the warning's name.
    once=lambda told: FraudRefund.of(told).once,
    act=AnswerFraudWarning(
        payments=DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
        books=DynamoDbBooks(
            _dynamodb,
            payments_table=_PAYMENTS_TABLE,
            events_table=os.environ["EVENTS_TABLE"],
            ledger_days=int(os.environ["LEDGER_DAYS"]),
            clock=_clock,
        ),
        operations=SqsOperationQueue(
            boto3.client("sqs", config=_calls),
            queue_url=os.environ["OPERATIONS_QUEUE_URL"],
            clock=_clock,
        ),
        notices=SnsNotices(
            boto3.client("sns", config=_calls),
            topics={Audience.BACK_OFFICE: os.environ["BACK_OFFICE_TOPIC_ARN"]},
        ),
        clock=_clock,
        telemetry=_telemetry,
        stage=_stage,
        jitter=random.random,
        refund_up_to_minor=int(os.environ["FRAUD_REFUND_UP_TO_MINOR"]),
    ),
)


@contextmanager
def invocation(context: Any) -> Iterator[Consume]:
    """Around one invocation: its id on every line, its deadline on the lease, its metrics out."""
    with _telemetry.invocation(request_id=context.aws_request_id):
        _lease.register_lambda_context(context)
        yield _consume
