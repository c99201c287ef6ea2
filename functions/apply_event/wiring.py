"""The worker's environment and clients, made once per container; nothing is called here."""

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
from paidonce.adapters.dynamodb_ledger_search import DynamoDbLedgerSearch
from paidonce.adapters.lease import PowertoolsLease
from paidonce.adapters.sqs_queue import SqsEventQueue
from paidonce.adapters.stripe_access import guarded_calls
from paidonce.adapters.stripe_gateway import StripeSdkReader
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.domain.policy import Policy
from paidonce.use_cases.apply_event import ApplyEvent
from paidonce.use_cases.decide_alone import DecideAlone
from paidonce.use_cases.patience import Limits, Patience

rulebook.load(rules)


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in os.environ[name].split(","))


_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_FETCH_TIMEOUT_SECONDS = float(os.environ["FETCH_TIMEOUT_SECONDS"])
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(
    name=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
    account=os.environ["STRIPE_ACCOUNT"] or None,
    adopt=os.environ["ADOPT"] == "true",
    policy=Policy(**json.loads(os.environ["SUBSCRIPTION_POLICY"])),
)
_telemetry = PowertoolsTelemetry(service="apply_event", stage=_stage.name, livemode=_stage.livemode)
_books = DynamoDbBooks(
    _dynamodb,
    payments_table=_PAYMENTS_TABLE,
    events_table=os.environ["EVENTS_TABLE"],
    ledger_days=int(os.environ["LEDGER_DAYS"]),
    clock=_clock,
)
_sqs = boto3.client("sqs", config=_calls)
_queue = SqsEventQueue(
    _sqs,
    queue_url=os.environ["EVENTS_QUEUE_URL"],
    dead_letter_queue_url=os.environ["EVENTS_DEAD_LETTER_QUEUE_URL"],
)
_lease = PowertoolsLease(
    _dynamodb,
    idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
    key_prefix="apply_event",
    lease_seconds=int(os.environ["LEASE_SECONDS"]),
)
_reader = StripeSdkReader(
    guarded_calls(
        key_arn=os.environ["READER_KEY_ARN"],
        secrets=boto3.client("secretsmanager", config=_calls),
        dynamodb=_dynamodb,
        payments_table=_PAYMENTS_TABLE,
        base_url=os.environ["STRIPE_API_URL"],
        api_version=os.environ["STRIPE_API_VERSION"],
        cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
        probe_seconds=int(os.environ["BREAKER_PROBE_SECONDS"]),
        clock=_clock,
        telemetry=_telemetry,
    ),
    budget=Budget(
        DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
        _clock,
        use="worker",
        per_second=int(os.environ["WORKER_BUDGET_PER_SECOND"]),
    ),
    timeout_seconds=_FETCH_TIMEOUT_SECONDS,
)
_apply_event = ApplyEvent(
    books=_books,
    queue=_queue,
    lease=_lease,
    decide_alone=DecideAlone(
        books=_books,
        search=DynamoDbLedgerSearch(_dynamodb, events_table=os.environ["EVENTS_TABLE"]),
        reader=_reader,
        clock=_clock,
        telemetry=_telemetry,
        stage=_stage,
        foreign_pointer_seconds=int(os.environ["FOREIGN_POINTER_DAYS"]) * 86_400,
    ),
    patience=Patience(
        books=_books,
        queue=_queue,
        clock=_clock,
        telemetry=_telemetry,
        jitter=random.random,
        limits=Limits(
            wait_delays_seconds=_numbers("WAIT_DELAYS_SECONDS"),
            not_yet_known_max_seconds=int(os.environ["NOT_YET_KNOWN_MAX_SECONDS"]),
            try_again_max_seconds=int(os.environ["TRY_AGAIN_MAX_SECONDS"]),
            failing_delays_seconds=_numbers("FAILING_DELAYS_SECONDS"),
            tries_max=int(os.environ["TRIES_MAX"]),
        ),
        livemode=_stage.livemode,
    ),
    clock=_clock,
    telemetry=_telemetry,
    jitter=random.random,
    seconds_for_two_calls=2 * _FETCH_TIMEOUT_SECONDS,
)


@contextmanager
def invocation(context: Any) -> Iterator[ApplyEvent]:
    """Around one invocation: its id on every line, its deadline on the lease, its metrics out."""
    with _telemetry.invocation(request_id=context.aws_request_id):
        _lease.register_lambda_context(context)
        yield _apply_event
