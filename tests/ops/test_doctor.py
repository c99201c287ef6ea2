"""What `paidonce doctor` finds, and what it says to do about it."""

import json
import time
from typing import Any

import boto3
import pytest
from paidonce.domain import permissions, rulebook
from paidonce.domain.moment import iso
from paidonce.domain.permissions import ENDPOINTS, PAYOUTS, reads, writes

from tests.ops.a_stage import TABLE, WEBHOOK_URL, AStage


def test_a_fresh_stage_is_told_step_by_step_what_to_do(stage: AStage) -> None:
    ended = stage.paidonce("doctor")
    assert ended.exit_code == 1
    for name in permissions.KEYS:
        assert f"key {name}: the secret still holds its placeholder" in ended.stdout
        assert f"→ paidonce keys stage {name}" in ended.stdout
    found = stage.findings("endpoints")
    assert found["endpoints"]["grade"] == "fail"
    assert "--fix" in found["endpoints"]["do"]


def test_once_set_up_nothing_fails(stage: AStage) -> None:
    ended = stage.is_set_up().paidonce("doctor")
    assert ended.exit_code == 0, ended.output
    assert "None of" in ended.stdout
    # stages.toml names no account for local.
    assert stage.findings("account")["stripe account"]["do"].startswith(
        'set stripe.account = "acct_1'
    )


def test_fix_makes_the_first_endpoint_with_exactly_the_events_that_have_rules(
    stage: AStage,
) -> None:
    stage.is_set_up()
    (made,) = stage.api("GET", "webhook_endpoints")["data"]
    assert (made["url"], made["status"]) == (WEBHOOK_URL, "enabled")
    assert sorted(made["enabled_events"]) == sorted(rulebook.event_types())
    assert made["metadata"]["paidonce_stage"] == "local"
    (entry,) = stage.document("signing")["endpoints"]
    assert (entry["id"], entry["name"]) == (made["id"], "default")
    again = stage.paidonce("doctor", "--fix", "--json", "--only", "endpoints")
    assert made["id"] in json.loads(again.stdout)["fixed"][0]
    assert len(stage.api("GET", "webhook_endpoints")["data"]) == 1


def test_endpoints_that_drifted_from_the_rules_are_named_and_mended(stage: AStage) -> None:
    stage.is_set_up()
    (made,) = stage.api("GET", "webhook_endpoints")["data"]
    place = f"webhook_endpoints/{made['id']}"
    wrong = {"enabled_events[0]": "payment_intent.succeeded", "enabled_events[1]": "payout.paid"}
    stage.api("POST", place, **wrong)
    said = stage.paidonce("doctor", "--only", "endpoints").stdout
    assert "it does not send charge." in said
    assert "it sends payout.paid, which have no rule" in said
    stage.paidonce("doctor", "--fix", "--only", "endpoints")
    events = stage.api("GET", place)["enabled_events"]
    assert sorted(events) == sorted(rulebook.event_types())


def test_an_endpoint_elsewhere_disabled_or_gone_is_a_failure(stage: AStage) -> None:
    stage.is_set_up()
    (made,) = stage.api("GET", "webhook_endpoints")["data"]
    check, place = f"endpoint {made['id']}", f"webhook_endpoints/{made['id']}"
    stage.api("POST", place, url="https://elsewhere.example.com/hook")
    assert "it delivers to https://elsewhere" in stage.findings("endpoints")[check]["says"]
    stage.api("POST", place, url=WEBHOOK_URL, disabled="true")
    assert "it is disabled at Stripe" in stage.findings("endpoints")[check]["says"]
    stage.api("DELETE", place)
    assert stage.findings("endpoints")[check]["says"].startswith("it is gone from Stripe")
    # A new one is made; what is gone is taken out by retire_endpoints.
    assert stage.findings("endpoints", "--fix")[check]["grade"] == "warn"


def test_an_endpoint_of_another_version_is_a_failure(stage: AStage) -> None:
    stage.is_set_up()
    form = {"url": WEBHOOK_URL, "enabled_events[0]": "*"}
    made = stage.api("POST", "webhook_endpoints", **form)
    entry = {"id": made["id"], "name": "default", "secret": made["secret"], "created": "2026"}
    stage.writes("signing", {"based_on": None, "endpoints": [entry | {"retire_after": None}]})
    assert (
        "its events are of version None"
        in stage.findings("endpoints")[f"endpoint {made['id']}"]["says"]
    )


def test_an_endpoint_whose_secret_we_do_not_hold_is_a_failure(stage: AStage) -> None:
    """Its webhooks are refused with 400, for three days each."""
    stage.is_set_up()
    form = {"url": WEBHOOK_URL, "enabled_events[0]": "payment_intent.succeeded"}
    made = stage.api("POST", "webhook_endpoints", **form)
    found = stage.findings("endpoints")[f"endpoint {made['id']}"]
    assert found["grade"] == "fail"
    assert "does not hold its secret" in found["says"]


@pytest.mark.parametrize("name", ["reader", "endpoints"])
def test_a_key_that_may_too_much_or_too_little_is_told_with_the_dashboards_words(
    stage: AStage, name: str
) -> None:
    ticked = [*permissions.of_key(name)[1:], *writes(PAYOUTS)]
    stage.holds(name, stage.makes_key(ticked))
    found = stage.findings("keys")[f"key {name}"]
    assert found["says"] == (
        f"the key lacks {permissions.of_key(name)[0].shown}; "
        "the key may do what it must not, Payouts: Write"
    )
    assert f"paidonce keys stage {name}" in found["do"]


def test_without_its_own_permission_doctor_cannot_look_at_the_endpoints(stage: AStage) -> None:
    """What the manifest lists for `doctor`; taken away, this check fails."""
    stage.is_set_up()
    (needed,) = permissions.of_function("doctor")["reader"]
    assert needed in reads(ENDPOINTS)
    rest = [one for one in permissions.of_key("reader") if one != needed]
    stage.holds("reader", stage.makes_key(rest))
    found = stage.findings("endpoints")
    assert found["endpoints"]["grade"] == "fail"
    assert "permission" in found["endpoints"]["says"]


def test_without_write_nobody_makes_an_endpoint(stage: AStage) -> None:
    """What the manifest lists for rotate_secret and retire_endpoints."""
    for name in permissions.KEYS:
        stage.holds(name, stage.makes_key(permissions.of_key(name)))
    stage.holds("endpoints", stage.makes_key(reads(ENDPOINTS)))
    ended = stage.paidonce("doctor", "--fix", "--only", "endpoints")
    assert ended.exit_code == 1
    assert "permission" in ended.stderr
    assert stage.api("GET", "webhook_endpoints")["data"] == []


def test_expired_keys_old_keys_and_keys_of_unknown_age(stage: AStage) -> None:
    stage.is_set_up()
    expired = stage.document("refunds")["key"]
    stage.control("DELETE", f"keys/{expired}")
    stage.holds("payments", stage.document("payments")["key"], iso(time.time() - 91 * 86_400))
    stage.holds("reader", stage.document("reader")["key"], None)
    found = stage.findings("keys")
    assert "Stripe does not know the key" in found["key refunds"]["says"]
    assert found["age of payments"]["says"] == "91 days, more than the 90 of the stage"
    assert (found["age of payments"]["grade"], found["age of reader"]["grade"]) == ("fail", "warn")


def test_an_open_breaker_and_labels_that_stayed_are_told(stage: AStage) -> None:
    stage.is_set_up()
    item: Any = {
        "id": {"S": "breaker#paidonce/local/stripe/keys/payments"},
        "is_open": {"BOOL": True},
        "opened_at": {"S": "2026-11-22T11:00:00Z"},
    }
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)
    stage.writes("refunds", {"key": "rk_test_x", "created": None}, label="STAGED")
    stage.writes("signing", {"endpoints": []}, label="AWSPENDING")
    found = stage.findings("breakers") | stage.findings("rotations")
    assert "Stripe refused the key at 2026-11-22T11:00:00Z" in found["key payments"]["says"]
    assert found["rotation refunds"]["says"] == "a key is staged and not in use"
    assert "under way, or was interrupted" in found["rotation signing"]["says"]


def test_no_key_and_no_secret_is_ever_printed(stage: AStage) -> None:
    stage.is_set_up()
    stage.holds("refunds", "rk_" + "live_" + "a" * 24)
    held = [stage.document(name)["key"] for name in permissions.KEYS]
    held += [entry["secret"] for entry in stage.document("signing")["endpoints"]]
    for words in (["doctor"], ["keys", "ls"], ["keys", "ls", "--json"]):
        printed = stage.paidonce(*words).output
        assert [one for one in held if one in printed] == []


def test_one_check_may_be_asked_for_alone(stage: AStage) -> None:
    assert set(stage.findings("versions")) == {"api version"}
    ended = stage.paidonce("doctor", "--only", "weather")
    assert ended.exit_code == 2
    assert "There is no check weather; there are credentials, deployment" in ended.stderr


def test_what_cannot_be_asked_is_a_sentence_and_not_a_traceback(stage: AStage) -> None:
    outputs = json.loads(stage.endpoints_file.read_text())
    del outputs["outputs"]["ReaderKeyArn"]
    stage.endpoints_file.write_text(json.dumps(outputs))
    ended = stage.paidonce("doctor")
    assert ended.exit_code == 1
    assert "output ReaderKeyArn" in ended.output
    assert "Traceback" not in ended.output
    stage.endpoints_file.unlink()
    assert "start it with `make up`" in stage.paidonce("doctor").stderr
    nowhere = stage.paidonce("--stage", "nope", "doctor")
    assert (nowhere.exit_code, nowhere.stderr[:25]) == (2, "The stage nope is unknown")
