"""What `paidonce doctor` finds around the keys: tables, queues, alarms, a trail, the clock."""

import dataclasses
import json
import time

import boto3
import pytest

from ops.at_stripe import AtStripe
from ops.checks import watch
from ops.place import Which, find, read_settings
from tests.fakes import FakeClock
from tests.ops import around
from tests.ops.a_stage import TABLE, AStage


def in_prod(stage: AStage) -> AtStripe:
    """The same place with the settings of prod."""
    place = find(Which(stage="local", endpoints_file=stage.endpoints_file))
    return AtStripe(dataclasses.replace(place, settings=read_settings("prod")))


def test_a_stage_as_it_was_deployed_is_all_well(stage: AStage) -> None:
    for check in ("tables", "queues", "clock", "subscriptions", "alarms", "trail"):
        found = stage.findings(check)
        assert {one["grade"] for one in found.values()} == {"ok"}, found
        assert found


def test_a_table_whose_rows_stay_or_that_cannot_be_restored_is_a_failure(stage: AStage) -> None:
    dynamodb = boto3.client("dynamodb")
    dynamodb.update_time_to_live(
        TableName=TABLE,
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
    )
    events = "paidonce-local-events"
    dynamodb.update_continuous_backups(
        TableName=events, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    found = stage.findings("tables")
    assert found[f"table {TABLE}"]["says"] == "its rows never expire"
    assert found[f"table {events}"]["says"] == "it cannot be restored to a moment"


def test_a_table_that_is_gone_is_a_failure_and_the_others_are_looked_at(stage: AStage) -> None:
    boto3.client("dynamodb").delete_table(TableName="paidonce-local-events")
    found = stage.findings("tables")
    assert "ResourceNotFoundException" in found["table events"]["says"]
    assert found[f"table {TABLE}"]["grade"] == "ok"


def test_the_ledger_knows_an_event_for_longer_than_stripe_may_send_it(stage: AStage) -> None:
    assert "90 days" in stage.findings("tables")["ledger"]["says"]


def test_dead_letters_are_a_failure_and_work_is_none(stage: AStage) -> None:
    sqs = boto3.client("sqs")
    for output in ("EventsQueueUrl", "EventsDeadLetterQueueUrl"):
        sqs.send_message(QueueUrl=stage.outputs[output], MessageBody="x")
    found = stage.findings("queues")
    dead = found["queue paidonce-local-stripe-events-dead"]
    assert (dead["grade"], dead["says"]) == ("fail", "1 dead letters")
    assert "paidonce dlq ls" in dead["do"]
    alive = found["queue paidonce-local-stripe-events"]
    assert (alive["grade"], alive["says"][:6]) == ("ok", "1 wait")


def test_an_alarm_that_rings_is_named_with_its_heading_of_the_runbook(stage: AStage) -> None:
    cloudwatch = boto3.client("cloudwatch")
    around.an_alarm("paidonce-prod-drift")
    for name in (around.ALARM, "paidonce-prod-drift"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="one came")
    found = stage.findings("alarms")
    assert set(found) == {"alarm dead-letters"}
    assert found["alarm dead-letters"]["grade"] == "fail"
    assert found["alarm dead-letters"]["do"] == "docs/runbook.md#dead-letters"


def test_a_stage_without_alarms_is_a_failure(stage: AStage) -> None:
    boto3.client("cloudwatch").delete_alarms(AlarmNames=[around.ALARM])
    assert stage.findings("alarms")["alarms"]["grade"] == "fail"


def test_composites_are_read_too_and_point_to_what_they_sum_up() -> None:
    """CloudWatch's own words for them; moto has none."""
    single = {"AlarmName": "p-silence", "StateValue": "ALARM", "ActionsEnabled": True}
    quiet = single | {"AlarmName": "p-drift", "StateValue": "OK"}
    composite = {
        "AlarmName": "p-page-somebody",
        "StateValue": "ALARM",
        "AlarmDescription": "Somebody has to look now.",
    }
    found = list(watch.ringing([single, quiet], [composite], prefix="p-"))
    assert [(one.grade, one.check, one.do) for one in found] == [
        ("fail", "alarm silence", "docs/runbook.md#silence"),
        ("fail", "alarm page-somebody", "see to the alarms above"),
    ]
    assert found[1].says == "Somebody has to look now."
    (one,) = watch.ringing([quiet], [composite | {"StateValue": "OK"}], prefix="p-")
    assert (one.grade, one.says) == ("ok", "none of 1 rings, nor of 1 that sum them up")


def test_an_alarm_whose_actions_are_off_is_a_warning(stage: AStage) -> None:
    boto3.client("cloudwatch").disable_alarm_actions(AlarmNames=[around.ALARM])
    found = stage.findings("alarms")["alarms"]
    assert (found["grade"], found["says"]) == ("warn", "1 tell nobody: their actions are off")
    assert found["do"].endswith(f"--alarm-names {around.ALARM}")


@pytest.mark.parametrize(
    ("output", "check", "setting"),
    [
        ("AlarmTopicArn", "alarm topic", "alarms.email"),
        ("PagesTopicArn", "pages topic", "alarms.pages_email"),
    ],
)
def test_a_topic_that_nobody_hears_is_a_warning(
    stage: AStage, output: str, check: str, setting: str
) -> None:
    sns, topic = boto3.client("sns"), stage.outputs[output]
    (heard,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=heard["SubscriptionArn"])
    findings = stage.findings("subscriptions")
    found = findings.pop(check)
    assert (found["grade"], found["says"]) == ("warn", "nobody is told when an alarm rings")
    assert f"set {setting} in stages.toml" in found["do"]
    assert [one["grade"] for one in findings.values()] == ["ok"]


def test_a_mail_that_was_not_answered_is_a_warning() -> None:
    """SNS's own word for it; moto confirms by itself."""
    pending = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email"}
    (found,) = watch.heard("alarm topic", [pending], setting="alarms.email")
    assert (found.grade, found.says) == ("warn", "email is not confirmed: it gets nothing")
    confirmed = {"SubscriptionArn": "arn:aws:sns:…", "Protocol": "email"}
    both = watch.heard("alarm topic", [pending, confirmed], setting="alarms.email")
    grades = [one.grade for one in both]
    assert grades == ["warn", "ok"]


def test_without_a_trail_nobody_is_told_of_strangers(stage: AStage) -> None:
    (found,) = watch.trail(in_prod(stage))
    assert (found.grade, "there is none" in found.says) == ("warn", True)
    boto3.client("s3").create_bucket(Bucket="trails")
    boto3.client("cloudtrail").create_trail(Name="all", S3BucketName="trails")
    (found,) = watch.trail(in_prod(stage))
    assert found.grade == "ok"


def test_a_clock_that_is_off_is_a_warning(stage: AStage) -> None:
    there = in_prod(stage)
    there = AtStripe(dataclasses.replace(there.place, stripe_api_url=stage.stripe_url))
    for seconds, grade in ((0, "ok"), (-60, "warn"), (60, "warn")):
        there.__dict__["clock"] = FakeClock(time.time() + seconds)
        (found,) = watch.clock(there)
        assert found.grade == grade, found


def test_a_stripe_that_is_not_reached_says_no_time(stage: AStage) -> None:
    place = dataclasses.replace(in_prod(stage).place, stripe_api_url="http://127.0.0.1:1")
    (found,) = watch.clock(AtStripe(place))
    assert (found.grade, "what time it is" in found.says) == ("warn", True)


def test_what_is_missing_from_the_outputs_is_a_finding_and_no_traceback(stage: AStage) -> None:
    said = json.loads(stage.endpoints_file.read_text())
    del said["outputs"]["AlarmTopicArn"]
    stage.endpoints_file.write_text(json.dumps(said))
    ended = stage.paidonce("doctor", "--only", "subscriptions")
    assert ended.exit_code == 1
    assert "no output AlarmTopicArn" in ended.output
