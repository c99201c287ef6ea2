"""docs/deploy.md says what the code needs: events, scopes, outputs, settings."""

import re

from paidonce import rules
from paidonce.domain import permissions, rulebook

from tests.infra.templates import ROOT, Assembly, setting_keys

DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def test_outputs_and_settings_that_it_names_exist(prod: Assembly) -> None:
    # $(out NAME) in commands, table.key in the text.
    assert set(re.findall(r"\bout ([A-Z]\w+)", DEPLOY)) <= set(prod.outputs())
    tables = {key.partition(".")[0] for key in setting_keys() if "." in key}
    named = re.findall(rf"`((?:{'|'.join(tables)})\.[a-z0-9_]+)`", DEPLOY + RUNBOOK)
    assert len(named) > 10
    assert set(named) <= set(setting_keys())


def test_the_alarms_that_are_paid_for_are_right_to_a_dollar(prod: Assembly) -> None:
    (said,) = re.findall(r"\| about (\d+) alarms, \$0.10 each", DEPLOY)
    assert abs(int(said) - len(prod.resources("AWS::CloudWatch::Alarm"))) <= 10


def test_the_table_of_permissions_is_the_manifest(prod: Assembly) -> None:
    """`| secret | cells |`, one row for each key, as `permissions.of_key` says."""
    rulebook.load(rules)
    for key in permissions.KEYS:
        cells = " · ".join(permission.shown for permission in permissions.of_key(key))
        assert f"| `paidonce/STAGE/stripe/keys/{key}` | {cells} |" in DEPLOY
    secrets = [n for n in prod.resources("AWS::SecretsManager::Secret") if "/keys/" in n]
    assert sorted(name.rpartition("/")[2] for name in secrets) == sorted(permissions.KEYS)
