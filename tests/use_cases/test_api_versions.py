"""The worker reads events of every API version that a real endpoint still sends."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paidonce.domain import rulebook
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import an_event
from tests.use_cases.worker import Worker, stripe_holds

OLD = sorted((Path(__file__).parents[1] / "events" / "stripe-old").glob("*.json"))
OURS = {"paidonce_stage": "test", "paidonce_payment": "pay_1", "paidonce_attempt": "1"}


def old(path: Path, **changes: Any) -> StripeEvent:
    document = json.loads(path.read_bytes())
    return StripeEvent.from_document(
        document | {"data": {"object": document["data"]["object"] | changes}}
    )


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_every_old_payload_ends(path: Path) -> None:
    """One of nobody's is somebody else's, or of no interest."""
    worker, event = Worker(), old(path)
    for parent in ("charge", "payment_intent"):
        if isinstance(event.object.get(parent), str):
            found = {"id": event.object[parent], "object": parent, "metadata": {}}
            stripe_holds(worker, found)
    assert worker.takes(worker.delivery(event)) == set()
    (outcome,) = worker.outcomes.values()
    assert outcome in {"ignored", "foreign", "applied"}
    assert "UnknownApiVersion" not in worker.telemetry.counts


@pytest.mark.parametrize(
    "path", [path for path in OLD if path.stem.startswith("payment_intent.")], ids=lambda p: p.stem
)
def test_an_old_intent_of_ours_is_applied(path: Path) -> None:
    worker = Worker()
    event = old(path, metadata=OURS, amount=1000, currency="usd")
    assert rulebook.rule_for(event.type)
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.payment.payment_intent_id == event.object_id
    assert worker.payment.charge_id == event.object["latest_charge"]


@pytest.mark.parametrize("version", ["2027-03-31.fennel", "2026-09-30.preview", "latest"])
def test_an_unknown_version_is_counted_once_for_its_event_and_decided(version: str) -> None:
    worker = Worker()
    event = replace(an_event(), api_version=version)
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.outcomes == {"evt_1": "applied"}
    assert worker.telemetry.counts["UnknownApiVersion"] == 1
