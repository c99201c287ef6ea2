"""The environment and clients of reconcile, made once per container; nothing is called here."""

import os

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.breaker import Breaker
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_outbox import DynamoDbOutbox
from paidonce.adapters.dynamodb_sweeps import DynamoDbSweeps
from paidonce.adapters.eventbridge import EventBridgeBus
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.sqs_missing_events import SqsMissingEvents
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_events import StripeEventList
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.use_cases.publish_changes import PublishChanges
from paidonce.use_cases.publish_due import PublishDue
from paidonce.use_cases.retire_endpoints import RETIREMENT
from paidonce.use_cases.sweep_events import SweepEvents

rulebook.load(rules)

_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_CALL_TIMEOUT_SECONDS = float(os.environ["CALL_TIMEOUT_SECONDS"])
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")
telemetry = PowertoolsTelemetry(service="reconcile", stage=_stage.name, livemode=_stage.livemode)
_key = StripeKey(
    boto3.client("secretsmanager", config=_calls),
    arn=os.environ["READER_KEY_ARN"],
    cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
    telemetry=telemetry,
)
_stripe = StripeCalls(
    _key,
    base_url=os.environ["STRIPE_API_URL"],
    clock=_clock,
    telemetry=telemetry,
    api_version=os.environ["STRIPE_API_VERSION"],
    breaker=Breaker(
        _dynamodb,
        payments_table=_PAYMENTS_TABLE,
        secret_name=_key.secret_name,
        key=_key,
        clock=_clock,
        telemetry=telemetry,
        probe_seconds=int(os.environ["BREAKER_PROBE_SECONDS"]),
    ),
)
_outbox = DynamoDbOutbox(
    _dynamodb,
    events_table=os.environ["EVENTS_TABLE"],
    ledger_days=int(os.environ["LEDGER_DAYS"]),
)
publish_due = PublishDue(
    publish_changes=PublishChanges(
        bus=EventBridgeBus(
            boto3.client("events", config=_calls), bus_name=os.environ["EVENT_BUS"], clock=_clock
        ),
        outbox=_outbox,
        telemetry=telemetry,
        stage=_stage,
    ),
    outbox=_outbox,
    clock=_clock,
    telemetry=telemetry,
    due_after_seconds=int(os.environ["DUE_AFTER_SECONDS"]),
)
sweep_events = SweepEvents(
    sweeps=DynamoDbSweeps(_dynamodb, payments_table=_PAYMENTS_TABLE, name=RETIREMENT),
    events=StripeEventList(
        _stripe,
        budget=Budget(
            DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
            _clock,
            use="reconcile",
            per_second=int(os.environ["RECONCILE_BUDGET_PER_SECOND"]),
        ),
        clock=_clock,
        timeout_seconds=_CALL_TIMEOUT_SECONDS,
    ),
    books=DynamoDbBooks(
        _dynamodb,
        payments_table=_PAYMENTS_TABLE,
        events_table=os.environ["EVENTS_TABLE"],
        ledger_days=int(os.environ["LEDGER_DAYS"]),
        clock=_clock,
    ),
    missing=SqsMissingEvents(
        boto3.client("sqs", config=_calls),
        queue_url=os.environ["EVENTS_QUEUE_URL"],
        clock=_clock,
    ),
    clock=_clock,
    telemetry=telemetry,
    event_types=rulebook.event_types(),
    pages_max=int(os.environ["PAGES_MAX"]),
    # The page, and its events' rows and messages after it.
    seconds_for_a_page=2 * _CALL_TIMEOUT_SECONDS,
)
