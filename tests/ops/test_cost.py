"""What was counted, times what AWS asks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import cost
from ops.app import app

ROOT = Path(__file__).parents[2]
APPLY, NOTIFY = "paidonce-local-apply-event", "paidonce-local-notify"
# One payment with two events.
COUNTS: dict[str, Any] = {
    "payments": 1,
    "events": 2,
    "secret_cache_seconds": 5,
    "memory_mb": {APPLY: 1024, NOTIFY: 512},
    "taking": {"http requests": 1.0, "units write": 4.0},
    "deciding": {
        "http requests": 2.0,
        f"invocations {APPLY}": 2.0,
        f"duration {APPLY}": 1000.0,
        f"invocations {NOTIFY}": 1.0,
        f"duration {NOTIFY}": 1000.0,
        "call AmazonSQS.SendMessage": 2.0,
        "call secretsmanager.GetSecretValue": 60.0,
        "units write": 8.0,
        "units index_write": 6.0,
    },
}


def dollars(lines: list[cost.Line]) -> dict[tuple[str, str], float]:
    return {(line.service, line.what): line.dollars for line in lines}


def test_a_million_events_are_the_second_phase_alone() -> None:
    found = dollars(cost.per_million_events(COUNTS, cost.prices()))
    assert found["API Gateway", "requests"] == pytest.approx(1.00)
    assert found["DynamoDB", "writes"] == pytest.approx(4 * 0.625)
    assert found["DynamoDB", "writes of its two indexes"] == pytest.approx(3 * 0.625)
    # 1.5 GB-seconds for two events.
    assert found["Lambda", "GB-seconds"] == pytest.approx(750_000 * 0.0000133334)


def test_a_thousand_payments_are_both_phases() -> None:
    found = dollars(cost.per_thousand_payments(COUNTS, cost.prices()))
    assert found["API Gateway", "requests"] == pytest.approx(0.003)
    assert found["DynamoDB", "writes"] == pytest.approx(12_000 * 0.625 / 1_000_000)


def test_pollers_and_the_bus_ask_sqs_too() -> None:
    """Two sends of ours; two for each of three invocations; one that the bus put."""
    found = {
        (line.service, line.what): line.count
        for line in cost.per_thousand_payments(COUNTS, cost.prices())
    }
    assert found["SQS", "requests"] == pytest.approx(9_000)


def test_secrets_are_read_as_seldom_as_a_real_stage_reads_them() -> None:
    found = {line.what: line.count for line in cost.per_thousand_payments(COUNTS, cost.prices())}
    assert found["secret reads"] == found["decryptions of secrets"] == pytest.approx(1_000)


def test_an_idle_month_is_what_the_documents_say_to_a_dollar() -> None:
    idle = sum(line.dollars for line in cost.per_month(cost.prices()))
    for name in ("README.md", "docs/decisions/0006-what-the-stacks-hold.md", "docs/deploy.md"):
        said = re.search(r"about \**\$(\d+)\b", (ROOT / name).read_text(encoding="utf-8"))
        assert said, name
        assert abs(int(said.group(1)) - idle) <= 1, name


def test_the_command_prints_a_bill_that_the_document_shows() -> None:
    shown = CliRunner().invoke(app, ["cost"], env={"COLUMNS": "100"})
    assert shown.exit_code == 0, shown.output
    document = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    for sentence in re.findall(r"^a .*: \$.*$", shown.stdout, re.MULTILINE):
        assert sentence in document
    said = json.loads(CliRunner().invoke(app, ["cost", "--json"]).stdout)
    assert set(said) == {"a million events", "a thousand payments", "a month without traffic"}
