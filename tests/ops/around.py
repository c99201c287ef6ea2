"""What stands around the secrets of a stage: tables, queues, the alarms' topics and an alarm."""

from collections.abc import Mapping
from typing import Any

import boto3

TABLES = {
    "PaymentsTableName": ("paidonce-local-payments", "id", "expires_at"),
    "EventsTableName": ("paidonce-local-events", "event_id", "expires_at"),
    "IdempotencyTableName": ("paidonce-local-idempotency", "id", "expiration"),
}
QUEUES = {
    "EventsQueueUrl": "stripe-events",
    "EventsDeadLetterQueueUrl": "stripe-events-dead",
    "OperationsQueueUrl": "stripe-operations",
    "OperationsDeadLetterQueueUrl": "stripe-operations-dead",
}
TOPICS = {"AlarmTopicArn": "alarms", "PagesTopicArn": "pages"}
ALARM = "paidonce-local-dead-letters"


def made() -> Mapping[str, str]:
    """Make them on moto, as a deployment leaves them; answers the stacks' outputs."""
    outputs = {output: _table(*shape) for output, shape in TABLES.items()}
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    for output, name in QUEUES.items():
        outputs[output] = sqs.create_queue(QueueName=f"paidonce-local-{name}")["QueueUrl"]
    for output, name in TOPICS.items():
        outputs[output] = sns.create_topic(Name=f"paidonce-local-{name}")["TopicArn"]
        people = "arn:aws:sqs:us-east-1:1:people"
        sns.subscribe(TopicArn=outputs[output], Protocol="sqs", Endpoint=people)
    an_alarm(ALARM)
    return outputs


def an_alarm(name: str) -> None:
    """An alarm that is silent."""
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="as a test needs it")


def _table(name: str, key: str, expiry: str) -> str:
    dynamodb = boto3.client("dynamodb")
    attributes = [key, *(["aggregate_id", "decided_at"] if key == "event_id" else [])]
    indexes: Any = {}
    if key == "event_id":
        index = {
            "IndexName": "aggregate",
            "KeySchema": [
                {"AttributeName": "aggregate_id", "KeyType": "HASH"},
                {"AttributeName": "decided_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        indexes = {"GlobalSecondaryIndexes": [index]}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in attributes],
        BillingMode="PAY_PER_REQUEST",
        **indexes,
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": expiry}
    )
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    return name
