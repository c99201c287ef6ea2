"""The environment and clients of reconcile, made once per container; nothing is called here."""

import os

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_ledger_search import DynamoDbLedgerSearch
from paidonce.adapters.dynamodb_open_payments import DynamoDbOpenPayments
from paidonce.adapters.dynamodb_outbox import DynamoDbOutbox
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.dynamodb_sweeps import DynamoDbSweeps
from paidonce.adapters.eventbridge import EventBridgeBus
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.sqs_references import SqsReferences
from paidonce.adapters.stripe_access import guarded_calls
from paidonce.adapters.stripe_endpoints import StripeWebhookEndpoints
from paidonce.adapters.stripe_events import StripeEventList
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.use_cases.count_dead import CountDead
from paidonce.use_cases.keep_sweeping import KeepSweeping, Kind
from paidonce.use_cases.mend_drift import MendDrift
from paidonce.use_cases.publish_changes import PublishChanges
from paidonce.use_cases.publish_due import PublishDue
from paidonce.use_cases.read_again import ReadAgain
from paidonce.use_cases.reconcile import Reconcile
from paidonce.use_cases.resend_stale import ResendStale
from paidonce.use_cases.retire_endpoints import RETIREMENT
from paidonce.use_cases.see_to_open import SeeToOpen
from paidonce.use_cases.sweep_events import SweepEvents
from paidonce.use_cases.verify import Verify
from paidonce.use_cases.watch_endpoints import WatchEndpoints

rulebook.load(rules)


def _seconds(name: str) -> int:
    return int(os.environ[name])


_PAYMENTS_TABLE, _EVENTS_TABLE = os.environ["PAYMENTS_TABLE"], os.environ["EVENTS_TABLE"]
_LEDGER_DAYS = int(os.environ["LEDGER_DAYS"])
_CALL_TIMEOUT_SECONDS = float(os.environ["CALL_TIMEOUT_SECONDS"])
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(
    name=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
    account=os.environ["STRIPE_ACCOUNT"] or None,
    adopt=os.environ["ADOPT"] == "true",
)
telemetry = PowertoolsTelemetry(service="reconcile", stage=_stage.name, livemode=_stage.livemode)
_stripe = guarded_calls(
    key_arn=os.environ["READER_KEY_ARN"],
    secrets=boto3.client("secretsmanager", config=_calls),
    dynamodb=_dynamodb,
    payments_table=_PAYMENTS_TABLE,
    base_url=os.environ["STRIPE_API_URL"],
    api_version=os.environ["STRIPE_API_VERSION"],
    cache_seconds=_seconds("SECRET_CACHE_SECONDS"),
    probe_seconds=_seconds("BREAKER_PROBE_SECONDS"),
    clock=_clock,
    telemetry=telemetry,
)
_budget = Budget(
    DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
    _clock,
    use="reconcile",
    per_second=int(os.environ["RECONCILE_BUDGET_PER_SECOND"]),
)
_gateway = StripeSdkGateway(
    _stripe,
    clock=_clock,
    telemetry=telemetry,
    call_timeout_seconds=_CALL_TIMEOUT_SECONDS,
    budget=_budget,
)
_books = DynamoDbBooks(
    _dynamodb,
    payments_table=_PAYMENTS_TABLE,
    events_table=_EVENTS_TABLE,
    ledger_days=_LEDGER_DAYS,
    clock=_clock,
)
_sqs = boto3.client("sqs", config=_calls)
_references = SqsReferences(_sqs, queue_url=os.environ["EVENTS_QUEUE_URL"], clock=_clock)


def _sweeps(name: str) -> DynamoDbSweeps:
    return DynamoDbSweeps(_dynamodb, payments_table=_PAYMENTS_TABLE, name=name)


def _sweep(name: str) -> SweepEvents:
    return SweepEvents(
        sweeps=_sweeps(name),
        events=StripeEventList(
            _stripe, budget=_budget, clock=_clock, timeout_seconds=_CALL_TIMEOUT_SECONDS
        ),
        books=_books,
        references=_references,
        clock=_clock,
        telemetry=telemetry,
        event_types=rulebook.event_types(),
        pages_max=int(os.environ["PAGES_MAX"]),
        # The page, and its events' rows and messages after it.
        seconds_for_a_page=2 * _CALL_TIMEOUT_SECONDS,
    )


def _keep_sweeping(kind: Kind, *, every_seconds: int) -> KeepSweeping:
    return KeepSweeping(
        kind=kind,
        sweep=_sweep(kind.value),
        sweeps=_sweeps(kind.value),
        clock=_clock,
        telemetry=telemetry,
        missing_after_seconds=_seconds("MISSING_AFTER_SECONDS"),
        every_seconds=every_seconds,
    )


_retirement = _sweep(RETIREMENT)
_recent = _keep_sweeping(Kind.RECENT, every_seconds=_seconds("MISSING_AFTER_SECONDS"))
_all = _keep_sweeping(Kind.ALL, every_seconds=_seconds("ALL_EVERY_SECONDS"))
_outbox = DynamoDbOutbox(_dynamodb, events_table=_EVENTS_TABLE, ledger_days=_LEDGER_DAYS)
_publish_due = PublishDue(
    publish_changes=PublishChanges(
        bus=EventBridgeBus(
            boto3.client("events", config=_calls),
            bus_name=os.environ["EVENT_BUS"],
            clock=_clock,
        ),
        outbox=_outbox,
        telemetry=telemetry,
        stage=_stage,
    ),
    outbox=_outbox,
    clock=_clock,
    telemetry=telemetry,
    due_after_seconds=_seconds("DUE_AFTER_SECONDS"),
)
_search = DynamoDbLedgerSearch(_dynamodb, events_table=_EVENTS_TABLE)
_resend_stale = ResendStale(
    search=_search,
    references=_references,
    clock=_clock,
    telemetry=telemetry,
    stale_after_seconds=_seconds("STALE_AFTER_SECONDS"),
    rows_max=int(os.environ["STALE_ROWS_MAX"]),
)
_count_dead = CountDead(
    search=_search, clock=_clock, telemetry=telemetry, rows_max=int(os.environ["STALE_ROWS_MAX"])
)
_mend_drift = MendDrift(
    verify=Verify(
        books=_books,
        gateway=_gateway,
        clock=_clock,
        stage=_stage,
        event_types=rulebook.event_types(),
        settle_seconds=_seconds("SETTLE_SECONDS"),
    ),
    sweeps=_sweeps("compare"),
    read_again=ReadAgain(references=_references, clock=_clock, livemode=_stage.livemode),
    clock=_clock,
    telemetry=telemetry,
    window_seconds=_seconds("COMPARE_WINDOW_SECONDS"),
    young_seconds=_seconds("MISSING_AFTER_SECONDS"),
    look_back_seconds=_seconds("COMPARE_BACK_SECONDS"),
    seconds_for_a_window=_seconds("SETTLE_SECONDS") + 4 * _CALL_TIMEOUT_SECONDS,
)
_see_to_open = SeeToOpen(
    open_payments=DynamoDbOpenPayments(_dynamodb, payments_table=_PAYMENTS_TABLE),
    payments=DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock),
    search=_search,
    operations=SqsOperationQueue(_sqs, queue_url=os.environ["OPERATIONS_QUEUE_URL"], clock=_clock),
    references=_references,
    clock=_clock,
    telemetry=telemetry,
    livemode=_stage.livemode,
    unpaid_max_seconds=_seconds("UNPAID_MAX_SECONDS"),
    processing_max_seconds=_seconds("PROCESSING_MAX_SECONDS"),
    unknown_after_seconds=_seconds("STALE_AFTER_SECONDS"),
    payments_max=int(os.environ["OPEN_PAYMENTS_MAX"]),
)
_watch_endpoints = WatchEndpoints(
    endpoints=StripeWebhookEndpoints(_gateway, api_version=os.environ["STRIPE_API_VERSION"]),
    telemetry=telemetry,
    stage=_stage.name,
)
reconcile = Reconcile(
    # What a retirement waits for, and what is lost to us, before what is only late or different.
    parts={
        "retirement": lambda left: _retirement(time_left=left),
        "recent events": lambda left: _recent(time_left=left),
        "domain events": lambda left: _publish_due(time_left=left),
        "stale rows": lambda left: _resend_stale(time_left=left),
        "open payments": lambda left: _see_to_open(time_left=left),
        "dead rows": lambda left: _count_dead(time_left=left),
        "endpoints": lambda left: _watch_endpoints(time_left=left),
        "drift": lambda left: _mend_drift(time_left=left),
        "all events": lambda left: _all(time_left=left),
    },
    telemetry=telemetry,
)
