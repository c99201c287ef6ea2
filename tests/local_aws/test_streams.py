"""A table's stream: filtered, and what fails is tried again, in halves, and then given up."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local_aws.embedded import EmbeddedAws, until

pytestmark = pytest.mark.cloud

# Tells a queue which rows it was given, then does what the test is about.
SOURCE = """
import boto3, json
sqs = boto3.client("sqs")
calls = 0

def handle(event, context):
    global calls
    calls += 1
    numbers = {{r["dynamodb"]["Keys"]["id"]["S"]: r["dynamodb"]["SequenceNumber"]
               for r in event["Records"]}}
    sqs.send_message(QueueUrl={url!r}, MessageBody=json.dumps(list(numbers)))
    {ends}
"""
REPORTS_BAD = (
    'return {"batchItemFailures":'
    ' [{"itemIdentifier": n} for i, n in numbers.items() if i == "bad"]}'
)
REPORTS_BAD_TWICE = f"if calls < 3: {REPORTS_BAD}"
RAISES_AT_BAD = 'assert "bad" not in numbers'
ANSWERS_NONSENSE = 'return {"batchItemFailures": [{"itemIdentifier": "of another batch"}]}'


@dataclass
class Stream:
    """A table with rows that are written already, a function's tries, what was given up."""

    aws: EmbeddedAws
    table: str
    tries_url: str
    given_up_url: str

    def reads(self, ends: str, **options: Any) -> None:
        """Let a function that ends so read the stream from its beginning."""
        sqs, dynamodb = self.aws.client("sqs"), self.aws.client("dynamodb")
        arn = sqs.get_queue_attributes(QueueUrl=self.given_up_url, AttributeNames=["QueueArn"])
        stream = dynamodb.describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        self.aws.client("lambda").create_event_source_mapping(
            FunctionName=self.aws.function(SOURCE.format(url=self.tries_url, ends=ends)),
            EventSourceArn=stream,
            StartingPosition="TRIM_HORIZON",
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": arn["Attributes"]["QueueArn"]}},
            **options,
        )

    def write(self, *ids: str, **attributes: str) -> None:
        for id_ in ids:
            item = {"id": {"S": id_}} | {name: {"S": value} for name, value in attributes.items()}
            self.aws.client("dynamodb").put_item(TableName=self.table, Item=item)

    def tries(self, count: int) -> list[list[str]]:
        """The first so many tries, in their order."""
        return [json.loads(body) for body in self._bodies(self.tries_url, count)]

    def given_up(self) -> dict[str, Any]:
        """The one message of what was given up."""
        (body,) = self._bodies(self.given_up_url, 1)
        found: dict[str, Any] = json.loads(body)
        return found

    def is_at_rest(self) -> bool:
        return not any(self._depth(url) for url in (self.tries_url, self.given_up_url))

    def _bodies(self, url: str, count: int) -> list[str]:
        sqs, bodies = self.aws.client("sqs"), list[str]()

        def received() -> bool:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
            return len(bodies) >= count

        until(received, seconds=20)
        return bodies

    def _depth(self, url: str) -> int:
        named = ["ApproximateNumberOfMessages"]
        found = self.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=named)
        return int(found["Attributes"]["ApproximateNumberOfMessages"])


@pytest.fixture
def stream(aws: EmbeddedAws) -> Stream:
    name = f"t{secrets.token_hex(4)}"
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    sqs = aws.client("sqs")
    urls = [sqs.create_queue(QueueName=f"{name}-{kind}")["QueueUrl"] for kind in ("tries", "dead")]
    return Stream(aws, name, *urls)


def test_a_reported_record_and_what_follows_it_is_tried_again(stream: Stream) -> None:
    stream.write("a", "bad", "c")
    stream.reads(REPORTS_BAD_TWICE)
    assert stream.tries(3) == [["a", "bad", "c"], ["bad", "c"], ["bad", "c"]]
    stream.write("d")
    assert stream.tries(1) == [["d"]]
    assert stream.is_at_rest()


@pytest.mark.parametrize("ends", [REPORTS_BAD, RAISES_AT_BAD])
def test_a_poison_record_is_isolated_by_halves_and_given_up(stream: Stream, ends: str) -> None:
    stream.write("a", "bad", "c", "d")
    stream.reads(ends, MaximumRetryAttempts=2, BisectBatchOnFunctionError=True)
    said = stream.given_up()
    assert said["DDBStreamBatchInfo"]["batchSize"] == 1
    assert said["requestContext"]["condition"] == "RetryAttemptsExhausted"
    stream.write("e")
    tries: list[list[str]] = []
    while not tries or tries[-1][-1] != "e":  # each look has a deadline of its own
        tries += stream.tries(1)
    alone = [ids for ids in tries if ids == ["bad"]]
    assert len(alone) == 3
    assert {"a", "c", "d"} <= {
        i for ids in tries if "bad" not in ids or ends == REPORTS_BAD for i in ids
    }


def test_a_record_that_is_too_old_is_given_up_however_many_tries_are_left(stream: Stream) -> None:
    stream.write("bad")
    stream.reads(REPORTS_BAD, MaximumRecordAgeInSeconds=1)
    assert stream.given_up()["requestContext"]["condition"] == "RecordAgeExceeded"


def test_an_answer_that_names_another_record_means_the_whole_batch(stream: Stream) -> None:
    stream.write("a", "c")
    stream.reads(ANSWERS_NONSENSE, MaximumRetryAttempts=1)
    assert stream.tries(2) == [["a", "c"], ["a", "c"]]
    assert stream.given_up()["DDBStreamBatchInfo"]["batchSize"] == 2


def test_what_the_filter_leaves_out_never_comes(stream: Stream) -> None:
    stream.write("no")
    stream.write("yes", todo="publish#a")
    stream.write("neither", todo="waiting#a")
    pattern = {"dynamodb": {"NewImage": {"todo": {"S": [{"prefix": "publish#"}]}}}}
    stream.reads("return", FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    stream.write("last", todo="publish#b")
    seen = [i for ids in stream.tries(1) for i in ids]
    if seen == ["yes"]:
        seen += [i for ids in stream.tries(1) for i in ids]
    assert seen == ["yes", "last"]
