"""Stripe's own CLI triggers its scenarios; `make conformance` shows all of them."""

import shutil

import pytest

from local.stripe.conformance import judge_all, scenarios

# What must never stop to pass; the whole table takes longer.
FIXED = [
    "billing_portal.session.created",
    "charge.captured",
    "charge.dispute.closed",
    "charge.refunded",
    "checkout.session.completed",
    "customer.discount.updated",
    "customer.source.created",
    "customer.subscription.paused",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_method.detached",
    "plan.deleted",
    "price.updated",
    "product.deleted",
    "promotion_code.created",
    "setup_intent.succeeded",
    "subscription.payment_succeeded",
    "test_helpers.test_clock.ready",
]


@pytest.mark.skipif(shutil.which("node") is None, reason="the CLI comes with npm")
def test_the_official_cli_triggers_its_scenarios(url: str) -> None:
    """It exits 0, the event was emitted, and its object is as the event said."""
    assert {v.scenario: v.reason for v in judge_all(url, FIXED) if v.reason} == {}


def test_the_families_are_all_there() -> None:
    """CLI 1.52.0 has 74 scenarios in the families that count."""
    assert len(scenarios()) == 74
