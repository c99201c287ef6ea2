"""answer_fraud_warning as Lambda calls it: SQS records of a rule, real conditions, SNS (moto)."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.adapters.items import payment_item, read_payment
from paidonce.domain.payment import Payment

from tests.a_change import a_warning, an_envelope
from tests.use_cases.a_refund_desk import a_paid_payment, only_refund

ACCOUNT = "123456789012"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STAGE": "test",
    "LIVEMODE": "false",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "answer_fraud_warning",
    "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
    "PAYMENTS_TABLE": "payments",
    "EVENTS_TABLE": "events",
    "IDEMPOTENCY_TABLE": "idempotency",
    "LEDGER_DAYS": "90",
    "REMEMBERED_SECONDS": "2592000",
    "FRAUD_REFUND_UP_TO_MINOR": "2000",
}


@dataclass
class Context:
    """Lambda's context, as far as the function looks at it."""

    aws_request_id: str = "request-1"
    function_name: str = "answer_fraud_warning"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:answer_fraud_warning"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Bench:
    """One stage in moto's AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dynamodb, self.sqs = boto3.client("dynamodb"), boto3.client("sqs")
        for table in ("payments", "idempotency"):
            self.dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        self.operations = self.sqs.create_queue(QueueName="operations")["QueueUrl"]
        self.office = self.sqs.create_queue(QueueName="office")["QueueUrl"]
        sns = boto3.client("sns")
        topic = sns.create_topic(Name="office")["TopicArn"]
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:office"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        monkeypatch.setenv("OPERATIONS_QUEUE_URL", self.operations)
        monkeypatch.setenv("BACK_OFFICE_TOPIC_ARN", topic)

    @property
    def handler(self) -> ModuleType:
        """Imported anew, as a cold start does."""
        own = "answer_fraud_warning"
        for name in [name for name in sys.modules if name.partition(".")[0] == own]:
            del sys.modules[name]
        # Powertools keeps a logger by its name, with the standard output of its first use.
        logging.Logger.manager.loggerDict.pop(own, None)
        return importlib.import_module(f"{own}.handler")

    def takes(self, *bodies: str) -> list[str]:
        """Which messages come again, numbered from 1."""
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(bodies, start=1)]
        answer = self.handler.handle({"Records": records}, Context())
        json.dumps(answer)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

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
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
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
