"""The stage's own alarms, as its template has them, ring for what the functions write.

Causes are driven by the tests that tests/infra/test_alarm_causes.py names; here it is shown that
the line which they assert moves the alarm, by name, dimensions, period and threshold.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from paidonce.adapters.telemetry import PowertoolsTelemetry

from tests.infra.templates import Assemblies, Assembly
from tests.local_aws.embedded import EmbeddedAws, until
from tests.local_aws.test_metrics_and_alarms import SHOUT

pytestmark = pytest.mark.cloud

OURS, QUEUES = "PaidOnce", "AWS/SQS"
SINK = "paidonce-local-paged"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return Assemblies(tmp_path_factory.mktemp("assembly")).of("local")


def plain(value: Any) -> Any:
    """Names in the place of references to their ARNs and the like."""
    text = json.dumps(value)
    for attribute in (".QueueName", ".Arn"):
        text = text.replace(attribute, "")
    return json.loads(text)


def by_arn(properties: dict[str, Any]) -> dict[str, Any]:
    """The rule of a composite as CDK writes it, with the alarms' ARNs."""
    arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
    rule = properties.get("AlarmRule")
    return properties | ({"AlarmRule": rule.replace('ALARM("', f'ALARM("{arn}')} if rule else {})


def telling(properties: dict[str, Any], pages: str) -> dict[str, Any]:
    """The same alarm; what pages tells a topic that is there."""
    actions = [pages] if "paidonce-local-pages" in properties["AlarmActions"] else []
    return {**properties, "AlarmActions": actions, "OKActions": actions}


@pytest.fixture(scope="module")
def alarms(aws: EmbeddedAws, local: Assembly) -> dict[str, dict[str, Any]]:
    """All of them, deployed beside queues of the stage's names; what each is about, by its name."""
    metric = plain(local.resources("AWS::CloudWatch::Alarm"))
    queue_names = {
        one["Value"]
        for a in metric.values()
        for one in a.get("Dimensions", ())
        if "QueueName" in one["Name"]
    }
    sink = {"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Sink", "Arn"]}}
    pages = aws.stack(
        {
            "Sink": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": SINK}},
            "Pages": {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [sink]}},
            **{
                f"Queue{n}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
                for n, name in enumerate(sorted(queue_names))
            },
        },
        Pages={"Ref": "Pages"},
    )["Pages"]
    # A template that is sent as it is has 51,200 bytes at most.
    for some in (list(metric.values())[n : n + 30] for n in range(0, len(metric), 30)):
        kind = "AWS::CloudWatch::Alarm"
        aws.stack(
            {
                f"Alarm{n}": {"Type": kind, "Properties": telling(one, pages)}
                for n, one in enumerate(some)
            }
        )
    aws.stack(
        {
            f"{kind}{n}": {"Type": f"AWS::{service}::{kind}", "Properties": by_arn(one)}
            for service, kind in (
                ("CloudWatch", "CompositeAlarm"),
                ("CloudWatch", "Dashboard"),
                ("Logs", "QueryDefinition"),
            )
            for n, one in enumerate(plain(local.resources(f"AWS::{service}::{kind}")).values())
        }
    )
    found: dict[str, dict[str, Any]] = metric
    return found


def states(aws: EmbeddedAws) -> dict[str, str]:
    """Of every alarm of the stage, after all were looked at once more."""
    aws.control("POST", "tick").raise_for_status()
    pages = (
        aws.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix="paidonce-local-", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    )
    return {
        one["AlarmName"]: one["StateValue"]
        for page in pages
        for one in page["MetricAlarms"] + page["CompositeAlarms"]
    }


def lines_of(alarm: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What the function writes when it counts as much as the alarm waits for."""
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    telemetry = PowertoolsTelemetry(
        service=dimensions["service"], stage=dimensions["stage"], livemode=False
    )
    telemetry.count(alarm["MetricName"], int(alarm["Threshold"]))
    telemetry.flush()
    yield from capsys.readouterr().out.splitlines()


def test_each_rings_for_what_its_function_writes_or_for_what_lies_in_its_queue(
    aws: EmbeddedAws, alarms: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    before = states(aws)
    assert "ALARM" not in before.values()
    assert len(before) == len(alarms) + 2
    sqs = aws.client("sqs")
    sink = sqs.get_queue_url(QueueName=SINK)["QueueUrl"]
    # That all is well was told too.
    sqs.purge_queue(QueueUrl=sink)
    lines: list[str] = []
    for alarm in alarms.values():
        if alarm.get("Namespace") == OURS:
            lines += lines_of(alarm, capsys)
    aws.invoke(aws.function(SHOUT), lines)
    dead = [
        next(one["Value"] for one in alarm["Dimensions"])
        for alarm in alarms.values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    ]
    for name in dead:
        sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="x")

    rings = {name for name, state in states(aws).items() if state == "ALARM"}
    expected = {
        name
        for name, alarm in alarms.items()
        if alarm.get("Namespace") == OURS
        or alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    }
    both = {"paidonce-local-page-somebody", "paidonce-local-look-tomorrow"}
    assert rings == expected | both
    assert len(dead) == 5
    told = until(lambda: sqs.receive_message(QueueUrl=sink).get("Messages"))
    message = json.loads(json.loads(told[0]["Body"])["Message"])
    assert message["NewStateValue"] == "ALARM"
    assert "docs/runbook.md#" in message["AlarmDescription"]


def test_most_payments_failing_rings_and_a_handful_does_not(
    aws: EmbeddedAws, alarms: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "paidonce-local-payment-failures"
    assert name in alarms
    telemetry = PowertoolsTelemetry(service="publish_changes", stage="local", livemode=False)
    function = aws.function(SHOUT)
    telemetry.count("PaymentsFailed", 19)
    telemetry.flush()
    aws.invoke(function, capsys.readouterr().out.splitlines())
    assert states(aws)[name] == "OK"
    telemetry.count("PaymentsPaid", 1)
    telemetry.flush()
    aws.invoke(function, capsys.readouterr().out.splitlines())
    assert states(aws)[name] == "ALARM"
