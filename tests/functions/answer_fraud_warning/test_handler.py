"""answer_fraud_warning as Lambda calls it: SQS records of a rule, real conditions, SNS (moto)."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import payment_item, read_payment
from paidonce.domain.payment import Payment

from tests.a_change import a_warning, an_envelope
from tests.functions.as_lambda import (
    ACCOUNT,
    REGION,
    Context,
    a_batch,
    cold_start,
    comes_again,
    environment_of,
    make_table,
    set_environment,
)
from tests.use_cases.a_refund_desk import a_paid_payment, only_refund

ENVIRONMENT = environment_of("answer_fraud_warning") | {
    "PAYMENTS_TABLE": "payments",
    "EVENTS_TABLE": "events",
    "IDEMPOTENCY_TABLE": "idempotency",
    "LEDGER_DAYS": "90",
    "REMEMBERED_SECONDS": "2592000",
    "FRAUD_REFUND_UP_TO_MINOR": "2000",
}


class Bench:
    """One stage in moto's AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dynamodb, self.sqs = boto3.client("dynamodb"), boto3.client("sqs")
        for table in ("payments", "idempotency"):
            make_table(table)
        self.operations = self.sqs.create_queue(QueueName="operations")["QueueUrl"]
        self.office = self.sqs.create_queue(QueueName="office")["QueueUrl"]
        sns = boto3.client("sns")
        topic = sns.create_topic(Name="office")["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:office"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        monkeypatch.setenv("OPERATIONS_QUEUE_URL", self.operations)
        monkeypatch.setenv("BACK_OFFICE_TOPIC_ARN", topic)

    def takes(self, *bodies: str) -> list[str]:
        """Which messages come again, numbered from 1."""
        handler, context = cold_start("answer_fraud_warning"), Context("answer_fraud_warning")
        return comes_again(handler.handle(a_batch(*bodies), context))

    def put(self, **changes: Any) -> Payment:
        payment = a_paid_payment(**changes)
        self.dynamodb.put_item(TableName="payments", Item=payment_item(payment))
        return payment

    def payment(self) -> Payment:
        found = self.dynamodb.get_item(TableName="payments", Key={"id": {"S": "pay_1"}})
        return read_payment(found["Item"])

    def received(self, url: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with mock_aws():
        set_environment(monkeypatch, ENVIRONMENT)
        yield Bench(monkeypatch)


def test_a_small_payment_is_reserved_and_its_refund_queued_once(bench: Bench) -> None:
    body = an_envelope(a_warning(bench.put()))
    assert bench.takes(body, body) == []
    assert bench.takes(body) == []
    assert bench.received(bench.operations) == [
        {"kind": "operation", "schema": 1, "aggregate": "pay_1", "call": "efw_issfr_1_a1"}
    ]
    assert only_refund(bench.payment()).amount_minor == 1000
    assert bench.received(bench.office) == []


def test_a_large_payment_is_told_to_the_back_office_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUD_REFUND_UP_TO_MINOR", "999")
    body = an_envelope(a_warning(bench.put()))
    assert bench.takes(body, body) == []
    (told,) = bench.received(bench.office)
    assert json.loads(told["Message"])["kind"] == "fraud_warning"
    assert bench.received(bench.operations) == []
    assert bench.payment().refunds == ()


def test_a_warning_before_its_payment_comes_again(bench: Bench) -> None:
    body = an_envelope(a_warning(a_paid_payment()))
    assert bench.takes(body) == ["1"]
    bench.put()
    assert bench.takes(body) == []
    assert len(bench.received(bench.operations)) == 1


def test_what_is_no_warning_comes_again_alone(bench: Bench) -> None:
    assert bench.takes("{}", an_envelope(a_warning(bench.put()))) == ["1"]
    assert len(bench.received(bench.operations)) == 1
