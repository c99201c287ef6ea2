"""The environment and clients of publish_changes, made once per container; nothing is called."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from paidonce.adapters.aws import client_config
from paidonce.adapters.clock import SystemClock
from paidonce.adapters.dynamodb_outbox import DynamoDbOutbox
from paidonce.adapters.eventbridge import EventBridgeBus
from paidonce.adapters.items import read_ledger_row
from paidonce.adapters.telemetry import PowertoolsTelemetry
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.ownership import Stage
from paidonce.use_cases.publish_changes import PublishChanges

_calls = client_config()
_stage = Stage(name=os.environ["STAGE"], livemode=os.environ["LIVEMODE"] == "true")
_telemetry = PowertoolsTelemetry(
    service="publish_changes", stage=_stage.name, livemode=_stage.livemode
)
_publish_changes = PublishChanges(
    bus=EventBridgeBus(
        boto3.client("events", config=_calls),
        bus_name=os.environ["EVENT_BUS"],
        clock=SystemClock(),
    ),
    outbox=DynamoDbOutbox(
        boto3.client("dynamodb", config=_calls),
        events_table=os.environ["EVENTS_TABLE"],
        ledger_days=int(os.environ["LEDGER_DAYS"]),
    ),
    telemetry=_telemetry,
    stage=_stage,
)


def row_of(image: Mapping[str, Any]) -> LedgerRow | None:
    """The ledger row of a stream's image; None, and a fault is told, for what cannot be read."""
    try:
        return read_ledger_row(image)
    except (KeyError, TypeError, ValueError) as error:
        _telemetry.count("PublishFailures")
        _telemetry.fault("change not readable", error)
        return None


@contextmanager
def invocation(context: Any) -> Iterator[PublishChanges]:
    """Around one invocation: its id on every line, its metrics out."""
    with _telemetry.invocation(request_id=context.aws_request_id):
        yield _publish_changes
