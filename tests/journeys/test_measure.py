"""The counts behind `paidonce cost` are those of the payments that were taken."""

from local.cloud import LocalCloud
from local.measure import measure


def test_a_short_run_counts_what_payments_and_their_events_take(cloud: LocalCloud) -> None:
    counts = measure(cloud, payments=2)
    taking, deciding = counts["taking"], counts["deciding"]
    # Two POSTs, and no webhook while Stripe holds them back.
    assert taking["http requests"] == 2
    assert counts["events"] >= 4
    assert deciding["invocations paidonce-local-receive-webhook"] == counts["events"]
    assert "invocations paidonce-local-receive-webhook" not in taking
    assert deciding["invocations paidonce-local-apply-event"] > 0
    assert deciding["duration paidonce-local-apply-event"] > 0
    # payment.paid of each.
    assert deciding["domain events"] == 2
    # A payment, its order's claim and what is noted about the call; an event's row at least.
    assert taking["units write"] >= 2 * 5
    assert deciding["units write"] >= 2 * counts["events"]
    assert deciding["log bytes"] > 0
