"""Restricted keys are staged, judged by the real rotation, and come in use under payments."""

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from paidonce import rules
from paidonce.domain import permissions, rulebook
from paidonce.domain.permissions import PAYOUTS, Permission, writes
from typer.testing import CliRunner, Result

from local.cloud import LocalCloud
from local.shop import Shop
from ops.app import app

rulebook.load(rules)
Operator = Callable[..., Result]
REFUNDS = "RefundsKeyArn"
PAYMENTS = "PaymentsKeyArn"


@pytest.fixture
def paidonce(cloud: LocalCloud) -> Operator:
    """The operator at a terminal; what is typed is standard input."""

    def run(*words: str, typed: str = "") -> Result:
        place = str(cloud.directory / "endpoints.json")
        return CliRunner().invoke(app, ["--endpoints", place, *words], input=typed)

    return run


def a_key(shop: Shop, ticked: Sequence[Permission], *, livemode: bool = False) -> str:
    wanted = {"permissions": [p.name for p in ticked], "livemode": livemode}
    made: str = shop.control("POST", "keys", wanted)["key"]
    return made


def a_key_elsewhere(shop: Shop, ticked: Sequence[Permission]) -> str:
    """Of another account at the same Stripe."""
    url = f"{shop.endpoints['stripe_api_url']}/_test/keys"
    owner = {"Authorization": "Bearer sk_" + "test_" + secrets.token_hex(12)}
    wanted = {"permissions": [p.name for p in ticked], "livemode": False}
    made: str = httpx.post(url, json=wanted, headers=owner).raise_for_status().json()["key"]
    return made


def labels(shop: Shop, output: str) -> dict[str, str]:
    said = shop.client("secretsmanager").describe_secret(SecretId=shop.endpoints["outputs"][output])
    versions = said["VersionIdsToStages"].items()
    return {label: version for version, held in versions for label in held}


def paid(shop: Shop) -> dict[str, Any]:
    payment = shop.new_payment()
    shop.confirm(payment["payment_intent_id"])
    return shop.payment_when(payment["id"], "paid")


def test_a_key_that_is_not_right_is_refused_and_the_next_one_is_not_blocked(
    cloud: LocalCloud, shop: Shop, paidonce: Operator
) -> None:
    """With a sentence; the key in use untouched, no label left, somebody told."""
    payment, ticked = paid(shop), permissions.of_key("refunds")
    expired = a_key(shop, ticked)
    shop.control("DELETE", f"keys/{expired}")
    before = labels(shop, REFUNDS)
    for key, says in (
        (shop.endpoints["publishable_key"], "publishable key"),
        ("garbage", "no restricted key of Stripe's"),
        (a_key(shop, ticked, livemode=True), "a key of live mode, and the stage is in test"),
        (expired, "Stripe does not know the key"),
        (a_key(shop, permissions.reads(ticked[0].row)), "lacks Charges and Refunds: Write"),
        (a_key(shop, [*ticked, *writes(PAYOUTS)]), "must not, Payouts: Write"),
    ):
        ended = paidonce("keys", "stage", "refunds", "--json", typed=key)
        assert ended.exit_code == 1, ended.output
        said = json.loads(ended.stdout)
        assert said["outcome"] == "refused"
        assert says in said["why"]
        assert key not in ended.output
        assert labels(shop, REFUNDS) == before
    alarm = f"paidonce-{cloud.stage}-new-key-refused"
    shop.until(lambda: alarm_state(cloud, shop, alarm) == "ALARM", what=f"{alarm} rings")
    right = a_key(shop, ticked)
    assert paidonce("keys", "stage", "refunds", typed=right).exit_code == 0
    assert shop.secret(REFUNDS)["key"] == right
    body = {"payment_id": payment["id"], "amount_minor": 100}
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    assert shop.http.post("/refunds", json=body, headers=headers).status_code == 201


def alarm_state(cloud: LocalCloud, shop: Shop, name: str) -> str:
    cloud.evaluate_alarms()
    found = shop.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found[0]["StateValue"])


def test_the_payments_key_changes_under_payments_and_none_fails(
    shop: Shop, paidonce: Operator
) -> None:
    """The old key is expired right after: functions that still have it ask for the new one."""
    payment = shop.new_payment()
    old = shop.secret(PAYMENTS)["key"]
    stranger = a_key_elsewhere(shop, permissions.of_key("payments"))
    refused = paidonce("keys", "stage", "payments", "--json", typed=stranger)
    assert "belongs to another account" in json.loads(refused.stdout)["why"]

    new = a_key(shop, permissions.of_key("payments"))
    assert paidonce("keys", "stage", "payments", typed=f"{new}\n").exit_code == 0
    assert shop.secret(PAYMENTS)["key"] == new
    assert set(labels(shop, PAYMENTS)) == {"AWSCURRENT", "AWSPREVIOUS"}
    shop.control("DELETE", f"keys/{old}")
    for _ in range(3):
        shop.new_payment()

    shop.confirm(payment["payment_intent_id"])
    shop.payment_when(payment["id"], "paid")
    chain = json.loads(paidonce("why", payment["id"], "--json").stdout)
    told = [step for step in chain["steps"] if step["kind"] == "rotation"]
    current = labels(shop, PAYMENTS)["AWSCURRENT"]
    assert [step["says"] for step in told if step["words"]["version_id"] == current] == [
        f"paidonce/{shop.endpoints['stage']}/stripe/keys/payments got a new version: in use"
    ]
    assert chain["steps"][-1]["kind"] != "rotation"


def test_after_a_leak_the_old_key_is_no_fallback_any_more(shop: Shop, paidonce: Operator) -> None:
    leaked = shop.secret(REFUNDS)["key"]
    new = a_key(shop, permissions.of_key("refunds"))
    ended = paidonce("keys", "rotate", "refunds", "--now", "--yes", typed=new)
    assert ended.exit_code == 0, ended.output
    assert "Expire the leaked key" in ended.stdout
    assert shop.secret(REFUNDS)["key"] == new != leaked
    assert set(labels(shop, REFUNDS)) == {"AWSCURRENT"}


def test_a_rotation_without_a_new_key_judges_the_one_in_use(shop: Shop, paidonce: Operator) -> None:
    key = shop.secret("ReaderKeyArn")
    assert paidonce("keys", "rotate", "reader", "--yes").exit_code == 0
    assert shop.secret("ReaderKeyArn") == key
    assert paidonce("doctor", "--only", "keys").exit_code == 0
