"""notify as Lambda calls it: SQS records of a rule, Powertools' memory and SNS on moto."""

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
from paidonce.domain.announcement import announcements_of

from tests.a_change import a_domain_event, a_told_row, an_envelope
from tests.examples import STAGE

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "STAGE": "test",
    "LIVEMODE": "false",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_SERVICE_NAME": "notify",
    "POWERTOOLS_METRICS_NAMESPACE": "PaidOnce",
    "IDEMPOTENCY_TABLE": "idempotency",
    "REMEMBERED_SECONDS": "2592000",
}


@dataclass
class Context:
    """Lambda's context, as far as the function looks at it."""

    aws_request_id: str = "request-1"
    function_name: str = "notify"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:notify"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Bench:
    """Both topics in moto's AWS, each with a queue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs, sns = boto3.client("sqs"), boto3.client("sns")
        self.urls: dict[str, str] = {}
        for audience in ("CUSTOMER", "BACK_OFFICE"):
            url = self.sqs.create_queue(QueueName=audience)["QueueUrl"]
            topic = sns.create_topic(Name=audience)["TopicArn"]
            arn = f"arn:aws:sqs:us-east-1:123456789012:{audience}"
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            monkeypatch.setenv(f"{audience}_TOPIC_ARN", topic)
            self.urls[audience] = url

    @property
    def handler(self) -> ModuleType:
        """Imported anew, as a cold start does."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "notify"]:
            del sys.modules[name]
        # Powertools keeps a logger by its name, with the standard output of its first use.
        logging.Logger.manager.loggerDict.pop("notify", None)
        return importlib.import_module("notify.handler")

    def takes(self, *bodies: str) -> list[str]:
        """Which messages come again, numbered from 1."""
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(bodies, start=1)]
        answer = self.handler.handle({"Records": records}, Context())
        json.dumps(answer)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def heard(self, audience: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=self.urls[audience], MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in found.get("Messages", [])]
        return [json.loads(body["Message"]) for body in bodies]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with mock_aws():
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        boto3.client("dynamodb").create_table(
            TableName="idempotency",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Bench(monkeypatch)


def message(event_type: str = "payment.paid", **changes: Any) -> str:
    event = a_domain_event(event_type, **changes)
    return an_envelope(announcements_of(a_told_row(event), STAGE)[0])


def test_one_notice_for_one_domain_event_however_often_it_comes(bench: Bench) -> None:
    assert bench.takes(message(), message()) == []
    assert bench.takes(message()) == []
    (receipt,) = bench.heard("CUSTOMER")
    assert (receipt["id"], receipt["kind"]) == ("pay_1.3.payment.paid", "receipt")
    assert bench.heard("BACK_OFFICE") == []


def test_the_back_office_has_a_topic_of_its_own(bench: Bench) -> None:
    assert bench.takes(message("dispute.opened", id="pay_1.4.dispute.opened.dp_1")) == []
    (told,) = bench.heard("BACK_OFFICE")
    assert told["kind"] == "dispute"
    assert bench.heard("CUSTOMER") == []


def test_what_is_no_domain_event_comes_again_alone(bench: Bench) -> None:
    assert bench.takes("garbage", message()) == ["1"]
    assert len(bench.heard("CUSTOMER")) == 1


def test_a_topic_that_is_gone_fails_and_the_repeat_tells(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as gone:
        gone.setenv("CUSTOMER_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:gone")
        assert bench.takes(message()) == ["1"]
    assert bench.takes(message()) == []
    assert len(bench.heard("CUSTOMER")) == 1


def test_no_payload_is_logged(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    found = {**a_domain_event().object} | {"order_id": "canary-order", "user_id": "canary-user"}
    bench.takes(message(object=found), "canary-garbage")
    written = capsys.readouterr().out
    assert "notice sent" in written
    assert "canary" not in written
