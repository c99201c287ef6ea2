"""Each event that has a rule, as Stripe sends it: applied twice equals once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from paidonce.domain.payment import SESSIONS_PATH, Payment
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.catalogue import Entry
from paidonce.use_cases.ports import Pointer

from tests.catalogue_item import CatalogueItem
from tests.examples import a_payment
from tests.use_cases.a_refund_desk import a_paid_payment
from tests.use_cases.worker import Worker, stripe_holds

FIXTURES = sorted((Path(__file__).parents[1] / "events" / "stripe").glob("*.json"))


def intent_of(event: StripeEvent) -> str | None:
    """The payment intent that an event is about, itself or by what was made from it."""
    is_intent = event.object["object"] == "payment_intent"
    return event.object_id if is_intent else event.object["payment_intent"]


def the_payment_before(event: StripeEvent) -> Payment:
    """Just recorded; or paid, where the event is about what comes afterwards."""
    if event.object["object"] == "payment_intent":
        return a_payment()
    if event.object["object"] == "checkout.session":
        return a_payment(creation=replace(a_payment().creation, path=SESSIONS_PATH))
    is_charge = event.object["object"] == "charge"
    return a_paid_payment(
        payment_intent_id=intent_of(event),
        charge_id=event.object_id if is_charge else event.object["charge"],
    )


# These change no row of ours: they take entries of the catalogue away.
OF_THE_CATALOGUE = [path for path in FIXTURES if path.stem.startswith(("price.", "product."))]
# These are about rows of other kinds than payments: tests/use_cases/test_apply_billing.py.
OF_BILLING = [path for path in FIXTURES if path.stem.startswith(("customer.", "invoice."))]


@pytest.mark.parametrize("path", OF_THE_CATALOGUE, ids=lambda path: path.stem)
def test_an_entry_that_is_taken_away_twice_is_taken_away(path: Path) -> None:
    event = StripeEvent.from_document(json.loads(path.read_text()))
    worker = Worker()
    names = {f"{path.stem.partition('.')[0]}#{event.object_id}", "prices#active"}
    kept = CatalogueItem(kept=Entry(document={}, fresh_until=2**40), revision=1)
    worker.tables.catalogue = dict.fromkeys([*names, "price#of_somebody_else"], kept)
    for again in (event, event, replace(event, id="evt_of_the_same_change")):
        assert worker.takes(worker.delivery(again)) == set()
    assert {name for name, item in worker.tables.catalogue.items() if item.kept is None} == names
    assert set(worker.outcomes.values()) == {"applied"}
    assert len(worker.books.commits) == 2


@pytest.mark.parametrize(
    "path",
    [path for path in FIXTURES if path not in OF_THE_CATALOGUE + OF_BILLING],
    ids=lambda path: path.stem,
)
def test_every_rule_applied_twice_equals_once(path: Path) -> None:
    event = StripeEvent.from_document(json.loads(path.read_text()))
    before = the_payment_before(event)
    worker = Worker(before)
    for pointer_id in before.pointer_ids:
        worker.tables.pointers[pointer_id] = Pointer(id=pointer_id, aggregate_id=before.id)
    stripe_holds(worker, dict(event.object))
    assert worker.takes(worker.delivery(event)) == set()
    assert set(worker.outcomes.values()) <= {"applied", "unchanged"}
    once = worker.payment
    assert once.payment_intent_id == intent_of(event)
    worker.takes(worker.delivery(event))
    assert worker.payment == once
    # Stripe may make two Event objects for one change: the second changes nothing either.
    worker.takes(worker.delivery(replace(event, id="evt_of_the_same_change")))
    assert worker.payment.looks_like(once)
    told = [d.type for row in worker.tables.rows.values() for d in row.domain_events]
    assert len(set(told)) == len(told)
