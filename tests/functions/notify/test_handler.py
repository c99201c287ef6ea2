"""notify as Lambda calls it: SQS records of a rule, Powertools' memory and SNS on moto."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from paidonce.domain.announcement import announcements_of

from tests.a_change import a_domain_event, a_told_row, an_envelope
from tests.examples import STAGE
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

ENVIRONMENT = environment_of("notify") | {
    "IDEMPOTENCY_TABLE": "idempotency",
    "REMEMBERED_SECONDS": "2592000",
}


class Bench:
    """Both topics in moto's AWS, each with a queue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs, sns = boto3.client("sqs"), boto3.client("sns")
        self.urls: dict[str, str] = {}
        for audience in ("CUSTOMER", "BACK_OFFICE"):
            url = self.sqs.create_queue(QueueName=audience)["QueueUrl"]
            topic = sns.create_topic(Name=audience)["TopicArn"]
            arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{audience}"
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            monkeypatch.setenv(f"{audience}_TOPIC_ARN", topic)
            self.urls[audience] = url

    def takes(self, *bodies: str) -> list[str]:
        """Which messages come again, numbered from 1."""
        return comes_again(cold_start("notify").handle(a_batch(*bodies), Context("notify")))

    def heard(self, audience: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(QueueUrl=self.urls[audience], MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in found.get("Messages", [])]
        return [json.loads(body["Message"]) for body in bodies]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with mock_aws():
        set_environment(monkeypatch, ENVIRONMENT)
        make_table("idempotency")
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
