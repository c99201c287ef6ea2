"""The API's environment and clients, made once per container; nothing is asked of anybody here."""

import os
import random

import boto3
from paidonce import rules
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_counters import Budget, DynamoDbCounter
from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks
from paidonce.adapters.http import answer
from paidonce.adapters.secrets import StripeKey
from paidonce.adapters.stripe_calls import StripeCalls
from paidonce.adapters.stripe_gateway import StripeSdkGateway
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain import rulebook
from paidonce.domain.ownership import Stage
from paidonce.use_cases.note_answer import NoteAnswer
from paidonce.use_cases.read_payment import ReadPayment
from paidonce.use_cases.take_payment import TakePayment

from payments_api.services import Services

# An answer is noted by the rule of the event that tells of the same thing.
rulebook.load(rules)

_PAYMENTS_TABLE = os.environ["PAYMENTS_TABLE"]
_calls = client_config()
_clock = SystemClock()
_dynamodb = boto3.client("dynamodb", config=_calls)
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")

telemetry = PowertoolsTelemetry(service="payments_api", stage=_stage.name, livemode=_stage.livemode)
_counter = DynamoDbCounter(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_payments = DynamoDbPaymentBooks(_dynamodb, payments_table=_PAYMENTS_TABLE, clock=_clock)
_key = StripeKey(
    boto3.client("secretsmanager", config=_calls),
    arn=os.environ["PAYMENTS_KEY_ARN"],
    cache_seconds=int(os.environ["SECRET_CACHE_SECONDS"]),
    telemetry=telemetry,
)
_gateway = StripeSdkGateway(
    StripeCalls(
        _key,
        base_url=os.environ["STRIPE_API_URL"],
        clock=_clock,
        telemetry=telemetry,
        api_version=os.environ["STRIPE_API_VERSION"],
    ),
    clock=_clock,
    telemetry=telemetry,
    call_timeout_seconds=float(os.environ["CALL_TIMEOUT_SECONDS"]),
    budget=Budget(_counter, _clock, use="api", per_second=int(os.environ["API_BUDGET_PER_SECOND"])),
)

services = Services(
    take_payment=TakePayment(
        payments=_payments,
        gateway=_gateway,
        note_answer=NoteAnswer(
            books=DynamoDbBooks(
                _dynamodb,
                payments_table=_PAYMENTS_TABLE,
                events_table=os.environ["EVENTS_TABLE"],
                ledger_days=int(os.environ["LEDGER_DAYS"]),
                clock=_clock,
            ),
            payments=_payments,
            clock=_clock,
            telemetry=telemetry,
            stage=_stage,
            jitter=random.random,
        ),
        counter=_counter,
        clock=_clock,
        telemetry=telemetry,
        stage=_stage,
        jitter=random.random,
        check_key=_key.read,
        shopper_payments_per_minute=int(os.environ["SHOPPER_PAYMENTS_PER_MINUTE"]),
    ),
    read_payment=ReadPayment(payments=_payments, gateway=_gateway),
    clock=_clock,
    telemetry=telemetry,
    answer=answer,
    settings={"publishable_key": os.environ["PUBLISHABLE_KEY"], "stage": _stage.name},
    user_claim=os.environ["USER_CLAIM"],
    scope_prefix=os.environ["SCOPE_PREFIX"],
    request_deadline_seconds=float(os.environ["REQUEST_DEADLINE_SECONDS"]),
)
