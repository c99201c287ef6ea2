"""Who is told, of what."""

import re
from pathlib import Path

import pytest

from infra.features.strangers import NAME as STRANGERS
from infra.stacks.alarms import ALARMS, PAGE, TOMORROW
from tests.infra.templates import ROOT, Assembly

RUNBOOK = ROOT / "docs" / "runbook.md"


def headings(path: Path) -> set[str]:
    return set(re.findall(r"^## ([a-z0-9-]+)$", path.read_text(), flags=re.MULTILINE))


def test_every_alarm_has_its_heading_in_the_runbook_and_the_other_way_round() -> None:
    """The rule about strangers tells the topic without an alarm."""
    assert {watch.name for watch in ALARMS} | {STRANGERS} == headings(RUNBOOK)


def section(name: str) -> str:
    """What stands under a heading, or under the last of several that stand together."""
    text = RUNBOOK.read_text().split(f"\n## {name}\n", 1)[1]
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    return next(part.strip() for part in parts if part.strip())


@pytest.mark.parametrize("name", sorted({watch.name for watch in ALARMS}))
def test_every_heading_says_what_it_means_whom_it_hurts_what_to_do_and_when_it_is_over(
    name: str,
) -> None:
    text = section(name).lower()
    for word in ("**means.**", "**notices", "**look", "**do", "**over"):
        assert word in text


@pytest.mark.parametrize(
    "under", sorted({section(watch.name) for watch in ALARMS}), ids=lambda under: under.split()[1]
)
def test_whom_else_to_wake_stands_just_under_what_pages(under: str) -> None:
    """Headings that stand together are about one matter, of which one may be enough to page."""
    pages = any(watch.pages for watch in ALARMS if section(watch.name) == under)
    assert ("\n**Wake** " in under) is pages


def test_every_alarm_tells_the_topic_and_says_where_to_look(prod: Assembly) -> None:
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    watches = {prod.stage.named(watch.name): watch for watch in ALARMS}
    assert set(alarms) == set(watches)
    for name, alarm in alarms.items():
        short = name.removeprefix("paidonce-prod-")
        assert alarm["AlarmDescription"].endswith(f"docs/runbook.md#{short}")
        pages = ["paidonce-prod-pages"] if watches[name].pages else []
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["paidonce-prod-alarms", *pages]
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_one_composite_is_up_for_what_pages_and_another_for_what_can_wait(prod: Assembly) -> None:
    composites = prod.resources("AWS::CloudWatch::CompositeAlarm")
    for short, pages in ((PAGE, True), (TOMORROW, False)):
        rule = composites[prod.stage.named(short)]["AlarmRule"]
        named = re.findall(r'ALARM\(\\?"([^".]+)\.Arn\\?"\)', rule)
        assert sorted(named) == sorted(prod.stage.named(w.name) for w in ALARMS if w.pages is pages)
        # CloudWatch's limits, with ARNs of at most 150 characters.
        assert len(named) <= 100
        assert 160 * len(named) < 10_240
    assert len(composites) == 2


def test_money_and_what_stops_all_of_it_wake_somebody_and_chores_do_not() -> None:
    pages = {watch.name for watch in ALARMS if watch.pages}
    assert {"dead-letters", "dead-rows", "silence", "paid-twice-worker", "api-5xx"} <= pages
    assert {"breaker-open-api", "signature-refused", "payment-failures"} <= pages
    assert not {"key-too-old", "receiver-slow", "events-missed", "notify-errors"} & pages


def test_missing_data_means_what_it_is_about(prod: Assembly, local: Assembly) -> None:
    """What lies in an untouched queue still lies there; an hour without a gauge is a trouble."""
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    treated = {name: alarm["TreatMissingData"] for name, alarm in alarms.items()}
    for name, treatment in treated.items():
        lies = alarms[name].get("Namespace") == "AWS/SQS" or "dead-rows" in name
        if lies:
            assert treatment == "ignore", name
        elif name == "paidonce-prod-unreconciled":
            assert treatment == "breaching"
        else:
            assert treatment == "notBreaching", name
    there = local.resources("AWS::CloudWatch::Alarm")["paidonce-local-unreconciled"]
    assert there["TreatMissingData"] == "ignore"


def test_few_payments_say_nothing_and_none_is_divided_by_nothing(prod: Assembly) -> None:
    """The expression as it stands in the template, by the embedded CloudWatch's arithmetic."""
    alarm = prod.resources("AWS::CloudWatch::Alarm")["paidonce-prod-payment-failures"]
    (math,) = [one for one in alarm["Metrics"] if "Expression" in one]
    floor = prod.stage.alarms.payments_floor
    assert math["Expression"] == (
        f"IF(FILL(failed, 0) + FILL(paid, 0) >= {floor},"
        " 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(paid, 0)), 0)"
    )
    stats = [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]
    assert {(one["Metric"]["MetricName"], one["Stat"], one["Period"]) for one in stats} == {
        ("PaymentsPaid", "Sum", 900),
        ("PaymentsFailed", "Sum", 900),
    }
    assert alarm["Threshold"] == 50


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
        "dead-rows",
        "dead-rows-old",
        "payment-failures",
        "foreign-events",
        "receiver-throttles",
        "processor-throttles",
        "operation-throttles",
    }
    for name, alarm in alarms.items():
        short = name.removeprefix("paidonce-prod-")
        if short not in patient and not short.startswith("stripe-throttles-"):
            assert (alarm["Threshold"], alarm["Period"]) == (1, 60), name


def test_our_own_metrics_are_looked_for_where_functions_put_them(prod: Assembly) -> None:
    folders = {
        function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        for function in prod.resources("AWS::Lambda::Function").values()
    }
    ours = [
        alarm
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        if alarm.get("Namespace") == "PaidOnce"
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
    policies = {
        policy["Topics"][0]: [
            one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"
        ]
        for policy in prod.resources("AWS::SNS::TopicPolicy").values()
    }
    by_rule = policies["paidonce-prod-alarms"].pop()
    assert by_rule["Principal"] == {"Service": "events.amazonaws.com"}
    assert STRANGERS in str(by_rule["Condition"]["ArnEquals"]["aws:SourceArn"])
    for name in ("paidonce-prod-alarms", "paidonce-prod-pages"):
        (allowed,) = policies[name]
        assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allowed["Action"] == "sns:Publish"
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}


def test_an_e_mail_is_subscribed_where_the_stage_names_one(
    prod: Assembly, customised: Assembly
) -> None:
    assert prod.resources("AWS::SNS::Subscription") == {}
    subscriptions = customised.resources("AWS::SNS::Subscription").values()
    assert {one["Protocol"] for one in subscriptions} == {"email"}
    assert {one["TopicArn"]: one["Endpoint"] for one in subscriptions} == {
        "paidonce-prod-alarms": "team@example.com",
        "paidonce-prod-pages": "on-call@example.com",
        "paidonce-prod-back-office": "back-office@example.com",
    }
