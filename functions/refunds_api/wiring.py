"""The environment and clients of refunds, made once per container; nothing is asked of anybody."""

import os
import random

import boto3
from paidonce import rules
from paidonce.adapters.api.idempotent import StoredAnswers
from paidonce.adapters.api.refund_routes import Services
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.http import answer
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.stripe_access import guarded_calls
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.read_refund import ReadRefund
from paidonce.use_cases.refund_payment import RefundPayment
from paidonce.use_cases.send_refund import SendRefund

# An answer is noted by the rule of the event that tells of the same thing.
rulebook.load(rules)

_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")

telemetry = PowertoolsTelemetry(service="refunds_api", stage=_stage.name, livemode=_stage.livemode)
_counter = DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_payments = DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_books = DynamoDbBooks(
    _dynamodb,
    payments_table=_PAYMENTS_TABLE,
    events_table=os.environ["EVENTS_TABLE"],
    ledger_days=int(os.environ["LEDGER_DAYS"]),
    clock=_clock,
)
_operations = SqsOperationQueue(
    boto3.client("sqs", config=_calls),
    queue_url=os.environ["OPERATIONS_QUEUE_URL"],
    clock=_clock,
)
_stripe = guarded_calls(
    key_arn=os.environ["REFUNDS_KEY_ARN"],
    secrets=boto3.client("secretsmanager", config=_calls),
    dynamodb=_dynamodb,
    payments_table=_PAYMENTS_TABLE,
    base_url=os.environ["STRIPE_API_URL"],
    api_version=os.environ["STRIPE_API_VERSION"],
    cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
    probe_seconds=int(os.environ["BREAKER_PROBE_SECONDS"]),
    clock=_clock,
    telemetry=telemetry,
)

services = Services(
    refund_payment=RefundPayment(
        books=_books,
        send_refund=SendRefund(
            payments=_payments,
            gateway=StripeSdkGateway(
                _stripe,
                clock=_clock,
                telemetry=telemetry,
                call_timeout_seconds=float(os.environ["CALL_TIMEOUT_SECONDS"]),
                budget=Budget(
                    _counter,
                    _clock,
                    use="api",
                    per_second=int(os.environ["API_BUDGET_PER_SECOND"]),
                ),
            ),
            note_answer=NoteAnswer(
                books=_books,
                payments=_payments,
                clock=_clock,
                telemetry=telemetry,
                stage=_stage,
                jitter=random.random,
            ),
            operations=_operations,
            clock=_clock,
            telemetry=telemetry,
            jitter=random.random,
            key_fresh_seconds=int(os.environ["KEY_FRESH_SECONDS"]),
        ),
        defer=Defer(operations=_operations, telemetry=telemetry),
        clock=_clock,
        stage=_stage,
        jitter=random.random,
        check_key=_stripe.check,
    ),
    read_refund=ReadRefund(books=_books),
    clock=_clock,
    telemetry=telemetry,
    answer=answer,
    stored_answers=StoredAnswers.in_table(
        _dynamodb,
        idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
        kept_seconds=int(os.environ["ANSWERS_KEPT_SECONDS"]),
    ),
    user_claim=os.environ["USER_CLAIM"],
    scope_prefix=os.environ["SCOPE_PREFIX"],
    request_deadline_seconds=float(os.environ["REQUEST_DEADLINE_SECONDS"]),
)
