"""The environment and clients of run_operation, made once per container; nothing is called here."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks
from paidonce.adapters.lease import PowertoolsLease
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.sqs_queue import SqsEventQueue
from paidonce.adapters.stripe_access import guarded_calls
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.operation import Operation
from paidonce.domain.ownership import Stage
from paidonce.domain.policy import Policy
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.end_create import EndCreate
from paidonce.use_cases.finish_billing import FinishBilling
from paidonce.use_cases.make_call import MakeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.patience import Limits, Patience
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.run_operation import RunOperation
from paidonce.use_cases.send_refund import SendRefund

rulebook.load(rules)


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in os.environ[name].split(","))


_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_CALL_TIMEOUT_SECONDS = float(os.environ["CALL_TIMEOUT_SECONDS"])
_KEY_FRESH_SECONDS = int(os.environ["KEY_FRESH_SECONDS"])
_LOOK_BACK_SECONDS = int(os.environ["LOOK_BACK_SECONDS"])
_ABSENT_AFTER_SECONDS = int(os.environ["ABSENT_AFTER_SECONDS"])
_GIVE_UP_AFTER_SECONDS = int(os.environ["GIVE_UP_AFTER_SECONDS"])
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_secrets = boto3.client("secretsmanager", config=_calls)
_sqs = boto3.client("sqs", config=_calls)
_stage = Stage(
    name=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
    policy=Policy(**json.loads(os.environ["SUBSCRIPTION_POLICY"])),
)
_telemetry = PowertoolsTelemetry(
    service="run_operation", stage=_stage.name, livemode=_stage.livemode
)
_payments = DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_books = DynamoDbBooks(
    _dynamodb,
    payments_table=_PAYMENTS_TABLE,
    events_table=os.environ["EVENTS_TABLE"],
    ledger_days=int(os.environ["LEDGER_DAYS"]),
    clock=_clock,
)
_operations = SqsOperationQueue(_sqs, queue_url=os.environ["OPERATIONS_QUEUE_URL"], clock=_clock)
_queue = SqsEventQueue(
    _sqs,
    queue_url=os.environ["OPERATIONS_QUEUE_URL"],
    dead_letter_queue_url=os.environ["OPERATIONS_DEAD_LETTER_QUEUE_URL"],
)
_lease = PowertoolsLease(
    _dynamodb,
    idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
    key_prefix="run_operation",
    lease_seconds=int(os.environ["LEASE_SECONDS"]),
)
# The same share of Stripe's rate limit as the API, whose calls these are.
_budget = Budget(
    DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
    _clock,
    use="api",
    per_second=int(os.environ["API_BUDGET_PER_SECOND"]),
)


def _gateway(key_arn: str) -> StripeSdkGateway:
    """Stripe by the key of this secret."""
    return StripeSdkGateway(
        guarded_calls(
            key_arn=key_arn,
            secrets=_secrets,
            dynamodb=_dynamodb,
            payments_table=_PAYMENTS_TABLE,
            base_url=os.environ["STRIPE_API_URL"],
            api_version=os.environ["STRIPE_API_VERSION"],
            cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
            probe_seconds=int(os.environ["BREAKER_PROBE_SECONDS"]),
            clock=_clock,
            telemetry=_telemetry,
        ),
        clock=_clock,
        telemetry=_telemetry,
        call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
        budget=_budget,
    )


_stripe = _gateway(os.environ["PAYMENTS_KEY_ARN"])
_note_try = NoteTry(
    payments=_payments,
    clock=_clock,
    telemetry=_telemetry,
    jitter=random.random,
    key_fresh_seconds=_KEY_FRESH_SECONDS,
)
_note_answer = NoteAnswer(
    books=_books,
    payments=_payments,
    clock=_clock,
    telemetry=_telemetry,
    stage=_stage,
    jitter=random.random,
)
_send_refund = SendRefund(
    payments=_payments,
    gateway=_gateway(os.environ["REFUNDS_KEY_ARN"]),
    note_answer=_note_answer,
    operations=_operations,
    clock=_clock,
    telemetry=_telemetry,
    jitter=random.random,
    key_fresh_seconds=_KEY_FRESH_SECONDS,
    look_back_seconds=_LOOK_BACK_SECONDS,
    absent_after_seconds=_ABSENT_AFTER_SECONDS,
)


def _finish_refund(operation: Operation, correlation_id: str, time_left: TimeLeft) -> None:
    _send_refund.finish(
        operation.aggregate_id,
        operation.idempotency_key,
        correlation_id=correlation_id,
        time_left=time_left,
    )


_finish_billing = FinishBilling.over(
    CarryOut(
        books=_books,
        requests=DynamoDbRequestBooks(_dynamodb, payments_table=_PAYMENTS_TABLE),
        gateway=_stripe,
        defer=Defer(operations=_operations, telemetry=_telemetry),
        clock=_clock,
        telemetry=_telemetry,
        stage=_stage,
        jitter=random.random,
    )
)

_run_operation = RunOperation(
    payments=_payments,
    books=_books,
    operations=_operations,
    lease=_lease,
    gateway=_stripe,
    make_call=MakeCall(gateway=_stripe, note_try=_note_try, note_answer=_note_answer),
    end_create=EndCreate(
        gateway=_stripe,
        note_try=_note_try,
        note_answer=_note_answer,
        clock=_clock,
        telemetry=_telemetry,
        look_back_seconds=_LOOK_BACK_SECONDS,
        absent_after_seconds=_ABSENT_AFTER_SECONDS,
    ),
    note_answer=_note_answer,
    finish_refund=_finish_refund,
    finish_others=_finish_billing.finish,
    patience=Patience(
        books=_books,
        queue=_queue,
        clock=_clock,
        telemetry=_telemetry,
        jitter=random.random,
        limits=Limits(
            wait_delays_seconds=_numbers("WAIT_DELAYS_SECONDS"),
            not_yet_known_max_seconds=_GIVE_UP_AFTER_SECONDS,
            try_again_max_seconds=_GIVE_UP_AFTER_SECONDS,
            failing_delays_seconds=_numbers("FAILING_DELAYS_SECONDS"),
            tries_max=int(os.environ["TRIES_MAX"]),
        ),
        livemode=_stage.livemode,
    ),
    clock=_clock,
    telemetry=_telemetry,
    absent_after_seconds=_ABSENT_AFTER_SECONDS,
    seconds_for_one_call=_CALL_TIMEOUT_SECONDS,
)


@contextmanager
def invocation(context: Any) -> Iterator[RunOperation]:
    """Around one invocation: its id on every line, its deadline on the lease, its metrics out."""
    with _telemetry.invocation(request_id=context.aws_request_id):
        _lease.register_lambda_context(context)
        yield _run_operation
