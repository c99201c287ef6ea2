"""Each event that has a rule, as Stripe sends it: applied twice equals once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from paidonce.domain.stripe_event import StripeEvent

from tests.use_cases.worker import Worker, stripe_holds

FIXTURES = sorted((Path(__file__).parents[1] / "events" / "stripe").glob("*.json"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_every_rule_applied_twice_equals_once(path: Path) -> None:
    event = StripeEvent.from_document(json.loads(path.read_text()))
    worker = Worker()
    assert worker.takes(worker.delivery(event)) == set()
    once = worker.payment
    assert once.payment_intent_id == event.object_id
    worker.takes(worker.delivery(event))
    assert worker.payment == once
    # Stripe may make two Event objects for one change: the second changes nothing either.
    stripe_holds(worker, dict(event.object))
    worker.takes(worker.delivery(replace(event, id="evt_of_the_same_change")))
    assert worker.payment.looks_like(once)
    assert len([d for row in worker.tables.rows.values() for d in row.domain_events]) <= 1
