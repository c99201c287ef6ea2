"""The worker reads events of every API version that a real endpoint still sends."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paidonce.domain import rulebook
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.stripe_event import StripeEvent

from tests.billing_examples import a_customer, a_subscription
from tests.examples import an_event, an_intent
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


def thin(event_type: str, found: dict[str, Any], event_id: str = "evt_1") -> StripeEvent:
    """Of an endpoint that gets no more than what an event is about."""
    return StripeEvent.from_document(
        {
            "id": event_id,
            "object": "v2.core.event",
            "type": f"v1.{event_type}",
            "created": "2026-09-21T14:13:20.000Z",
            "livemode": False,
            "related_object": {"id": found["id"], "type": found["object"], "url": "/v1/x"},
        }
    )


def test_a_thin_event_is_decided_by_its_object_as_it_is_now() -> None:
    """Read twice: once to learn whose it is, and again when its row is known."""
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    event = thin("payment_intent.processing", an_intent())
    for _ in range(2):
        assert worker.takes(worker.delivery(event)) == set()
    assert worker.payment.status is PaymentStatus.PAID
    assert worker.outcomes == {"evt_1": "applied"}
    assert worker.tables.rows["evt_1"].event_type == "payment_intent.processing"
    assert worker.telemetry.counts["StripeFetches"] == 2
    # The whole event of the same change finds it done.
    assert worker.takes(worker.delivery(an_event(event_id="evt_2"))) == set()
    assert worker.outcomes["evt_2"] == "unchanged"


def test_a_thin_event_begins_a_row() -> None:
    worker = Worker()
    for found in (a_customer(), a_subscription()):
        worker.stripe.objects[found["id"]] = found
    for number, name in enumerate(("customer.created", "customer.subscription.created")):
        found = a_customer() if number == 0 else a_subscription()
        assert worker.takes(worker.delivery(thin(name, found, f"evt_{number}"))) == set()
    assert set(worker.tables.others) == {"cus_1", "sub_1"}


@pytest.mark.parametrize(
    ("event_type", "outcome"), [("price.updated", "applied"), ("payout.paid", "ignored")]
)
def test_a_thin_event_that_changes_no_row_asks_nothing(event_type: str, outcome: str) -> None:
    worker = Worker()
    event = thin(event_type, {"id": "x_1", "object": event_type.partition(".")[0]})
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.outcomes == {"evt_1": outcome}
    assert worker.telemetry.counts["StripeFetches"] == 0


def test_a_thin_event_of_somebody_else_is_foreign() -> None:
    worker = Worker()
    stripe_holds(worker, an_intent(metadata={"paidonce_stage": "another"}))
    assert worker.takes(worker.delivery(thin("payment_intent.created", an_intent()))) == set()
    assert worker.outcomes == {"evt_1": "foreign"}


@pytest.mark.parametrize("version", ["2027-03-31.fennel", "2026-09-30.preview", "latest"])
def test_an_unknown_version_is_counted_once_for_its_event_and_decided(version: str) -> None:
    worker = Worker()
    event = replace(an_event(), api_version=version)
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.outcomes == {"evt_1": "applied"}
    assert worker.telemetry.counts["UnknownApiVersion"] == 1
