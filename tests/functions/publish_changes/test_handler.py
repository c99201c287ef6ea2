"""publish_changes as Lambda calls it: stream records, and moto for the table and the bus."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import ledger_item
from paidonce.domain.ledger import LedgerRow

from tests.a_change import a_domain_event, a_told_row
from tests.functions.as_lambda import (
    ACCOUNT,
    REGION,
    Context,
    cold_start,
    comes_again,
    environment_of,
    make_table,
    set_environment,
)

ENVIRONMENT = environment_of("publish_changes") | {
    "EVENT_BUS": "paidonce-test-changes",
    "EVENTS_TABLE": "events",
    "LEDGER_DAYS": "90",
}


class Publisher:
    """One stage in moto's AWS, with a rule on its bus."""

    def __init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb")
        self.sqs = boto3.client("sqs")
        self.url = self.sqs.create_queue(QueueName="heard")["QueueUrl"]

    def takes(self, *images: Mapping[str, Any]) -> list[str]:
        """Which sequence numbers come again, of records numbered from 1."""
        records = [
            {
                "eventName": "INSERT",
                "dynamodb": {
                    "SequenceNumber": str(number),
                    "StreamViewType": "NEW_IMAGE",
                    "NewImage": image,
                },
            }
            for number, image in enumerate(images, start=1)
        ]
        handler, context = cold_start("publish_changes"), Context("publish_changes")
        return comes_again(handler.handle({"Records": records}, context))

    def put(self, row: LedgerRow) -> Mapping[str, Any]:
        """Write a row; answers its image."""
        item = ledger_item(row, ledger_days=90)
        self.dynamodb.put_item(TableName="events", Item=item)
        return item

    def heard(self) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    def item(self, event_id: str) -> dict[str, Any]:
        found = self.dynamodb.get_item(TableName="events", Key={"event_id": {"S": event_id}})
        return dict(found["Item"])


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    with mock_aws():
        set_environment(monkeypatch, ENVIRONMENT)
        bench = Publisher()
        make_table("events", "event_id")
        events, bus = boto3.client("events"), ENVIRONMENT["EVENT_BUS"]
        events.create_event_bus(Name=bus)
        pattern = json.dumps({"source": ["paidonce.test"]})
        events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern)
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard"
        events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}])
        yield bench


def test_a_ledger_row_reaches_a_rule_and_loses_its_marker(publisher: Publisher) -> None:
    assert publisher.takes(publisher.put(a_told_row())) == []
    (heard,) = publisher.heard()
    assert (heard["source"], heard["detail-type"]) == ("paidonce.test", "payment.paid")
    assert heard["detail"]["id"] == "pay_1.3.payment.paid"
    assert heard["detail"]["object"]["order_id"] == "order-1"
    assert "todo" not in publisher.item("evt_1")
    assert "expires_at" in publisher.item("evt_1")


def test_what_cannot_be_read_comes_again_and_its_neighbours_are_told(publisher: Publisher) -> None:
    image = publisher.put(a_told_row())
    assert publisher.takes({"event_id": {"S": "evt_odd"}}, image) == ["1"]
    assert [heard["detail"]["id"] for heard in publisher.heard()] == ["pay_1.3.payment.paid"]


def test_a_row_decided_anew_keeps_its_marker(publisher: Publisher) -> None:
    image = publisher.put(a_told_row())
    publisher.put(replace(a_told_row(a_domain_event(id="pay_1.4.x")), decided_at="2026-09-22"))
    assert publisher.takes(image) == []
    assert publisher.item("evt_1")["todo"]["S"].startswith("publish#")


def test_no_payload_is_logged(publisher: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    canary = a_domain_event(object={"id": "pay_1", "order_id": "canary-order"})
    publisher.takes(publisher.put(a_told_row(canary)), {"event_id": {"S": "canary-odd"}})
    written = capsys.readouterr().out
    assert "change published" in written
    assert "pay_1.3.payment.paid" in written
    assert "canary" not in written
