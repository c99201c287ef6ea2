"""Metrics appear by themselves, and alarms look at them as CloudWatch does."""

import datetime as dt
import json
import secrets
from typing import Any

import pytest

from tests.local_aws.embedded import EmbeddedAws, until

pytestmark = pytest.mark.cloud

SHOUT = """
import json
def handle(event, context):
    for line in event or []:
        print(line if isinstance(line, str) else json.dumps(line))
    if event is None:
        raise ValueError("a bug")
"""


@pytest.fixture
def cloudwatch(aws: EmbeddedAws) -> Any:
    return aws.client("cloudwatch")


def total(cloudwatch: Any, namespace: str, name: str, **dimensions: str) -> float | None:
    now = dt.datetime.now(dt.UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - dt.timedelta(hours=1),
        EndTime=now + dt.timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points) if points else None


def alarm(cloudwatch: Any, **settings: Any) -> str:
    name = secrets.token_hex(4)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        **{
            "Namespace": "Shop",
            "MetricName": "Bad",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **settings,
        },
    )
    return name


def state(aws: EmbeddedAws, name: str) -> str:
    """After the alarm was looked at once more."""
    aws.control("POST", "tick").raise_for_status()
    said = aws.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    value: str = (said["MetricAlarms"] + said["CompositeAlarms"])[0]["StateValue"]
    return value


def embedded(value: object, **dimensions: str) -> dict[str, Any]:
    directive = {
        "Namespace": "Shop",
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": "Bad", "Unit": "Count"}],
    }
    return {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "Bad": value, **dimensions}


def test_emf_lines_become_metrics(aws: EmbeddedAws, cloudwatch: Any) -> None:
    service = secrets.token_hex(4)
    function = aws.function(SHOUT)
    lines = [embedded(2, service=service), embedded([1, 4], service=service), '{"_aws": no']
    aws.invoke(function, lines)
    assert total(cloudwatch, "Shop", "Bad", service=service) == 7


def test_invocations_and_errors_of_a_function_are_counted(
    aws: EmbeddedAws, cloudwatch: Any
) -> None:
    function = aws.function(SHOUT)
    aws.invoke(function, [])
    aws.invoke(function, [])
    aws.invoke(function, None)
    assert total(cloudwatch, "AWS/Lambda", "Invocations", FunctionName=function) == 3
    assert total(cloudwatch, "AWS/Lambda", "Errors", FunctionName=function) == 1


def test_an_alarm_looks_at_its_own_dimensions_only(aws: EmbeddedAws, cloudwatch: Any) -> None:
    mine, other = secrets.token_hex(4), secrets.token_hex(4)
    watching = alarm(cloudwatch, Dimensions=[{"Name": "service", "Value": mine}])
    function = aws.function(SHOUT)
    aws.invoke(function, [embedded(1, service=other)])
    assert state(aws, watching) == "OK"
    aws.invoke(function, [embedded(1, service=mine)])
    assert state(aws, watching) == "ALARM"


@pytest.mark.parametrize(
    ("treatment", "then"),
    [
        ("missing", "INSUFFICIENT_DATA"),
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("ignore", "INSUFFICIENT_DATA"),
    ],
)
def test_missing_data_is_treated_as_the_alarm_says(
    aws: EmbeddedAws, cloudwatch: Any, treatment: str, then: str
) -> None:
    nowhere = [{"Name": "service", "Value": secrets.token_hex(4)}]
    assert state(aws, alarm(cloudwatch, Dimensions=nowhere, TreatMissingData=treatment)) == then


def test_one_bad_period_of_three_is_not_yet_an_alarm(aws: EmbeddedAws, cloudwatch: Any) -> None:
    service = secrets.token_hex(4)
    own = [{"Name": "service", "Value": service}]
    three = alarm(cloudwatch, Dimensions=own, EvaluationPeriods=3)
    one_of_three = alarm(cloudwatch, Dimensions=own, EvaluationPeriods=3, DatapointsToAlarm=1)
    aws.invoke(aws.function(SHOUT), [embedded(1, service=service)])
    assert (state(aws, three), state(aws, one_of_three)) == ("OK", "ALARM")


def test_a_dead_letter_reaches_the_topic_through_its_alarm(aws: EmbeddedAws) -> None:
    """Also a composite alarm over it, from a template as CDK writes one."""
    name = secrets.token_hex(4)
    dead, sink = f"{name}-dead", f"{name}-sink"
    watched = {
        "AlarmName": name,
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["Dead", "QueueName"]}}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "Topic"}],
    }
    rule = {"Fn::Sub": 'ALARM("${Alarm}")'}
    made = aws.stack(
        {
            "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": dead}},
            "Sink": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": sink}},
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "Subscription": [
                        {"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Sink", "Arn"]}}
                    ]
                },
            },
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": watched},
            "Any": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}},
        },
        Dead={"Ref": "Dead"},
        Sink={"Ref": "Sink"},
        Any={"Ref": "Any"},
    )
    assert state(aws, name) == "OK"
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=made["Dead"], MessageBody="lost")
    assert state(aws, name) == "ALARM"
    assert state(aws, made["Any"]) == "ALARM"
    told = until(lambda: sqs.receive_message(QueueUrl=made["Sink"]).get("Messages"))
    message = json.loads(json.loads(told[0]["Body"])["Message"])
    assert (message["AlarmName"], message["NewStateValue"]) == (name, "ALARM")


def test_an_alarm_may_stand_on_metric_math(aws: EmbeddedAws) -> None:
    service = secrets.token_hex(4)

    def metric(identity: str, name: str) -> dict[str, Any]:
        found = {
            "Namespace": "Shop",
            "MetricName": name,
            "Dimensions": [{"Name": "service", "Value": service}],
        }
        stat = {"Metric": found, "Period": 60, "Stat": "Sum"}
        return {"Id": identity, "MetricStat": stat, "ReturnData": False}

    share = {"Id": "share", "Expression": "IF(all > 2, 100 * bad / all, 0)"}
    watched = {
        "Metrics": [share, metric("bad", "Bad"), metric("all", "All")],
        "EvaluationPeriods": 1,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": watched}
    name = aws.stack({"Alarm": alarm}, Name={"Ref": "Alarm"})["Name"]
    assert state(aws, name) == "OK"

    def put(metric_name: str, value: float) -> None:
        aws.client("cloudwatch").put_metric_data(
            Namespace="Shop",
            MetricData=[
                {
                    "MetricName": metric_name,
                    "Value": value,
                    "Dimensions": [{"Name": "service", "Value": service}],
                }
            ],
        )

    put("All", 2)
    put("Bad", 2)
    assert state(aws, name) == "OK"
    put("All", 8)
    assert state(aws, name) == "ALARM"
