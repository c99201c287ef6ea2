"""The API's environment and clients, made once per container; nothing is asked of anybody here."""

import json
import os
import random

import boto3
from paidonce import rules
from paidonce.adapters.api.idempotent import StoredAnswers
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_catalogue import DynamoDbCatalogue
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks
from paidonce.adapters.http import answer
from paidonce.adapters.sqs_operations import SqsOperationQueue
from paidonce.adapters.stripe_access import guarded_calls
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.domain.policy import Policy
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.capture_payment import CapturePayment
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.catalogue import Freshness, LookUpPrices
from paidonce.use_cases.change_payment import ChangePayment
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.make_call import MakeCall
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.note_try import NoteTry
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import TakePayment

from payments_api.billing import Billing
from payments_api.services import Services

# An answer is noted by the rule of the event that tells of the same thing.
rulebook.load(rules)

_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(
    name=os.environ["STAGE"],
    livemode=os.environ["LIVEMODE"] == "true",
    policy=Policy(**json.loads(os.environ["SUBSCRIPTION_POLICY"])),
)

telemetry = PowertoolsTelemetry(service="payments_api", stage=_stage.name, livemode=_stage.livemode)
_counter = DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_payments = DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_stripe = guarded_calls(
    key_arn=os.environ["PAYMENTS_KEY_ARN"],
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
_gateway = StripeSdkGateway(
    _stripe,
    clock=_clock,
    telemetry=telemetry,
    call_timeout_seconds=float(os.environ["CALL_TIMEOUT_SECONDS"]),
    budget=Budget(_counter, _clock, use="api", per_second=int(os.environ["API_BUDGET_PER_SECOND"])),
)

_books = DynamoDbBooks(
    _dynamodb,
    payments_table=_PAYMENTS_TABLE,
    events_table=os.environ["EVENTS_TABLE"],
    ledger_days=int(os.environ["LEDGER_DAYS"]),
    clock=_clock,
)

_prices = LookUpPrices(
    catalogue=DynamoDbCatalogue(_dynamodb, payments_table=_PAYMENTS_TABLE),
    gateway=_gateway,
    clock=_clock,
    telemetry=telemetry,
    freshness=Freshness(
        memory_seconds=int(os.environ["CATALOGUE_MEMORY_SECONDS"]),
        shared_seconds=int(os.environ["CATALOGUE_SHARED_SECONDS"]),
        unknown_seconds=int(os.environ["CATALOGUE_UNKNOWN_SECONDS"]),
        claim_seconds=int(os.environ["CATALOGUE_CLAIM_SECONDS"]),
    ),
    jitter=random.random,
)

_note_try = NoteTry(
    payments=_payments,
    clock=_clock,
    telemetry=telemetry,
    jitter=random.random,
    key_fresh_seconds=int(os.environ["KEY_FRESH_SECONDS"]),
)
_note_answer = NoteAnswer(
    books=_books,
    payments=_payments,
    clock=_clock,
    telemetry=telemetry,
    stage=_stage,
    jitter=random.random,
)
_defer = Defer(
    operations=SqsOperationQueue(
        boto3.client("sqs", config=_calls),
        queue_url=os.environ["OPERATIONS_QUEUE_URL"],
        clock=_clock,
    ),
    telemetry=telemetry,
)
_change_payment = ChangePayment(
    payments=_payments,
    make_call=MakeCall(gateway=_gateway, note_try=_note_try, note_answer=_note_answer),
    defer=_defer,
    clock=_clock,
    jitter=random.random,
    check_key=_stripe.check,
)

_take_payment = TakePayment(
    payments=_payments,
    gateway=_gateway,
    sum_up=_prices.total,
    note_try=_note_try,
    note_answer=_note_answer,
    defer=_defer,
    counter=_counter,
    clock=_clock,
    telemetry=telemetry,
    stage=_stage,
    check_key=_stripe.check,
    shopper_payments_per_minute=int(os.environ["SHOPPER_PAYMENTS_PER_MINUTE"]),
)

services = Services(
    prices=_prices,
    take_payment=_take_payment,
    capture_payment=CapturePayment(change_payment=_change_payment),
    cancel_payment=CancelPayment(change_payment=_change_payment),
    read_payment=ReadPayment(payments=_payments, gateway=_gateway),
    billing=Billing.of(
        CarryOut(
            books=_books,
            requests=DynamoDbRequestBooks(_dynamodb, payments_table=_PAYMENTS_TABLE),
            gateway=_gateway,
            defer=_defer,
            clock=_clock,
            telemetry=telemetry,
            stage=_stage,
            jitter=random.random,
        ),
        take_payment=_take_payment,
        check_key=_stripe.check,
    ),
    clock=_clock,
    telemetry=telemetry,
    answer=answer,
    stored_answers=StoredAnswers.in_table(
        _dynamodb,
        idempotency_table=os.environ["IDEMPOTENCY_TABLE"],
        kept_seconds=int(os.environ["ANSWERS_KEPT_SECONDS"]),
    ),
    settings={"publishable_key": os.environ["PUBLISHABLE_KEY"], "stage": _stage.name},
    user_claim=os.environ["USER_CLAIM"],
    scope_prefix=os.environ["SCOPE_PREFIX"],
    request_deadline_seconds=float(os.environ["REQUEST_DEADLINE_SECONDS"]),
)
