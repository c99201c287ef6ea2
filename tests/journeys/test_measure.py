"""The counts behind `paidonce cost` are those of the payments that were taken."""

import json
from pathlib import Path

from typer.testing import CliRunner

from local.cloud import LocalCloud
from local.measure import measure
from ops.app import app

PAYMENTS = 2


def test_a_short_run_is_counted_and_charged(cloud: LocalCloud, tmp_path: Path) -> None:
    counts = measure(cloud, payments=PAYMENTS)
    taking, deciding = counts["taking"], counts["deciding"]
    # A POST each, and no webhook while Stripe holds them back.
    assert taking["http requests"] == PAYMENTS
    assert "invocations paidonce-local-receive-webhook" not in taking
    # A payment, its order's claim and what is noted about the call.
    assert taking["units write"] >= PAYMENTS * 5
    assert counts["events"] >= PAYMENTS * 2
    assert deciding["invocations paidonce-local-receive-webhook"] == counts["events"]
    assert deciding["duration paidonce-local-apply-event"] > 0
    # payment.paid of each.
    assert deciding["domain events"] == PAYMENTS
    # An event's row at least.
    assert deciding["units write"] >= counts["events"]
    assert deciding["log bytes"] > 0

    file = tmp_path / "measured.json"
    file.write_text(json.dumps(counts))
    ended = CliRunner().invoke(app, ["cost", "--counts", str(file), "--json"])
    assert ended.exit_code == 0, ended.output
    bill = json.loads(ended.stdout)
    for part in ("a million events", "a thousand payments"):
        dollars = {(line["service"], line["what"]): line["dollars"] for line in bill[part]}
        assert dollars["API Gateway", "requests"] > 0
        assert dollars["Lambda", "GB-seconds"] > 0
        assert dollars["DynamoDB", "writes"] > 0
        # Two payments on a busy laptop: the right order of magnitude.
        assert 0 < sum(dollars.values()) < 1000
