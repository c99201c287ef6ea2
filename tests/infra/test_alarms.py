"""Who is told, of what."""

import re
from pathlib import Path

from infra.features.strangers import NAME as STRANGERS
from infra.stacks.alarms import ALARMS
from tests.infra.templates import ROOT, Assembly

RUNBOOK = ROOT / "docs" / "runbook.md"


def headings(path: Path) -> set[str]:
    return set(re.findall(r"^## ([a-z0-9-]+)$", path.read_text(), flags=re.MULTILINE))


def test_every_alarm_has_its_heading_in_the_runbook_and_the_other_way_round() -> None:
    """The rule about strangers tells the topic without an alarm."""
    assert {watch.name for watch in ALARMS} | {STRANGERS} == headings(RUNBOOK)


def test_every_alarm_tells_the_topic_and_says_where_to_look(prod: Assembly) -> None:
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    assert set(alarms) == {f"paidonce-prod-{watch.name}" for watch in ALARMS}
    for name, alarm in alarms.items():
        short = name.removeprefix("paidonce-prod-")
        assert alarm["AlarmDescription"].endswith(f"docs/runbook.md#{short}")
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["paidonce-prod-alarms"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        # The embedded AWS has no metric math.
        assert "Metrics" not in alarm


def test_what_costs_a_customer_money_alarms_at_the_first(prod: Assembly) -> None:
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    patient = {
        "oldest-message",
        "operations-oldest-message",
        "operation-errors",
        "publish-errors",
        "changes-late",
        "notices-oldest-message",
        "fraud-warnings-oldest-message",
        "fraud-warning-errors",
        "notify-errors",
        "receiver-errors",
        "receiver-slow",
        "processor-errors",
        "api-5xx",
        "signature-refused",
        "rotation-failed",
        "rotation-overdue",
        "successor-missing",
        "retirement-errors",
        "reconcile-errors",
        "unreconciled",
    }
    for name, alarm in alarms.items():
        if name.removeprefix("paidonce-prod-") not in patient:
            assert (alarm["Threshold"], alarm["Period"]) == (1, 60), name


def test_our_own_metrics_are_looked_for_where_functions_put_them(prod: Assembly) -> None:
    folders = {
        function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for function in prod.resources("AWS::Lambda::Function").values()
    }
    ours = [
        alarm
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == "PaidOnce"
    ]
    assert len(ours) > 20
    for alarm in ours:
        dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
        assert dimensions["stage"] == "prod"
        assert dimensions["service"] in folders


def test_alarms_may_use_the_topic_and_nobody_else(prod: Assembly) -> None:
    """The default key of SNS would silence them: CloudWatch may not use it."""
    topics = prod.resources("AWS::SNS::Topic")
    assert all(topic["KmsMasterKeyId"].endswith(".Arn") for topic in topics.values())
    (policy,) = [
        policy
        for policy in prod.resources("AWS::SNS::TopicPolicy").values()
        if policy["Topics"] == ["paidonce-prod-alarms"]
    ]
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert [one["Principal"] for one in allowed] == [
        {"Service": "cloudwatch.amazonaws.com"},
        {"Service": "events.amazonaws.com"},
    ]
    assert STRANGERS in str(allowed[1]["Condition"]["ArnEquals"]["aws:SourceArn"])
    assert allowed[0]["Action"] == "sns:Publish"
    assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_an_e_mail_is_subscribed_where_the_stage_names_one(
    prod: Assembly, customised: Assembly
) -> None:
    assert prod.resources("AWS::SNS::Subscription") == {}
    subscriptions = customised.resources("AWS::SNS::Subscription").values()
    assert {one["Protocol"] for one in subscriptions} == {"email"}
    assert {one["TopicArn"]: one["Endpoint"] for one in subscriptions} == {
        "paidonce-prod-alarms": "on-call@example.com",
        "paidonce-prod-back-office": "back-office@example.com",
    }
