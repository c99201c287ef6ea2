"""Disputes, fraud warnings, charges and pages through the worker: whose they are, and once each."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.payment import SESSIONS_PATH, Payment, PaymentStatus
from paidonce.domain.reading import Reading
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import Pointer

from tests.examples import (
    NOON,
    a_charge,
    a_dispute,
    a_fraud_warning,
    a_payment,
    a_session,
    an_event,
    an_intent,
)
from tests.use_cases.a_refund_desk import a_paid_payment
from tests.use_cases.worker import Worker, stripe_holds


def a_worker(payment: Payment | None = None) -> Worker:
    """A worker whose payment is paid, with its pointers."""
    payment = payment or a_paid_payment()
    worker = Worker(payment)
    for pointer_id in payment.pointer_ids:
        worker.tables.pointers[pointer_id] = Pointer(id=pointer_id, aggregate_id=payment.id)
    return worker


def events(*found: tuple[str, dict[str, Any]]) -> list[StripeEvent]:
    return [
        an_event(kind, one, event_id=f"evt_{n}", created=NOON + n)
        for n, (kind, one) in enumerate(found)
    ]


def gets(worker: Worker, *found: StripeEvent) -> None:
    """One batch."""
    assert worker.takes(*(worker.delivery(event) for event in found)) == set()


def told(worker: Worker) -> list[str]:
    return sorted(e.id for row in worker.tables.rows.values() for e in row.domain_events)


# --- disputes and warnings ------------------------------------------------------------------------


def test_all_that_stripe_says_of_one_dispute_in_one_batch_is_told_once_each() -> None:
    """Created and withdrawn say the same; updated and reinstated come while it is won already."""
    worker = a_worker()
    stripe_holds(worker, a_dispute("won"))
    gets(
        worker,
        *events(
            ("charge.dispute.created", a_dispute()),
            ("charge.dispute.funds_withdrawn", a_dispute()),
            ("charge.dispute.updated", a_dispute("under_review")),
            ("charge.dispute.closed", a_dispute("won")),
            ("charge.dispute.funds_reinstated", a_dispute("won")),
        ),
    )
    assert [d["status"] for d in worker.payment.view()["disputes"]] == ["won"]
    assert told(worker) == ["pay_1.2.dispute.opened.du_1", "pay_1.2.dispute.won.du_1"]
    assert sorted(worker.outcomes.values()) == ["applied", *["unchanged"] * 4]
    assert worker.telemetry.counts["DisputesOpened"] == 1
    assert worker.telemetry.counts["StripeFetches"] == 1
    assert worker.tables.pointers["du_1"].aggregate_id == "pay_1"


def test_a_conflict_reads_the_dispute_again() -> None:
    """What was fetched before somebody else wrote may be older than what stands now."""
    worker = a_worker()
    stripe_holds(worker, a_dispute("needs_response"))

    def another_worker_writes() -> None:
        won = a_worker()
        stripe_holds(won, a_dispute("won"))
        gets(won, *events(("charge.dispute.closed", a_dispute("won"))))
        worker.tables.put(won.payment)
        stripe_holds(worker, a_dispute("won"))

    worker.books.faults.before("commit", lambda: None)  # the neighbours of the batch
    worker.books.faults.before("commit", another_worker_writes)
    event = an_event("charge.dispute.created", a_dispute(), event_id="evt_late")
    gets(worker, an_event(event_id="evt_own"), event)
    assert [d["status"] for d in worker.payment.view()["disputes"]] == ["won"]


def test_a_dispute_of_somebody_else_is_counted() -> None:
    """It is not ours to show, but it costs the same account."""
    worker = a_worker()
    other = a_dispute(charge="ch_other", payment_intent="pi_other")
    stripe_holds(worker, {"id": "pi_other", "object": "payment_intent", "metadata": {}})
    gets(
        worker,
        *events(("charge.dispute.created", other), ("charge.dispute.funds_withdrawn", other)),
    )
    assert set(worker.outcomes.values()) == {"foreign"}
    assert worker.telemetry.counts["ForeignDisputes"] == 1
    assert worker.payment.disputes == ()


def test_a_dispute_of_a_second_charge_of_the_order_is_shown_with_its_payment() -> None:
    """Somebody must answer it; the payment's own state has nothing to do with it."""
    worker = a_worker()
    stripe_holds(worker, an_intent("succeeded", id="pi_2", latest_charge="ch_2"))
    second = a_dispute(charge="ch_2", payment_intent="pi_2")
    stripe_holds(worker, second)
    gets(worker, *events(("charge.dispute.created", second)))
    assert [d.charge_id for d in worker.payment.disputes] == ["ch_2"]
    assert worker.payment.payment_intent_id == "pi_1"


def test_a_warning_is_told_once_and_never_after_its_dispute() -> None:
    worker = a_worker()
    stripe_holds(worker, a_fraud_warning())
    gets(worker, *events(("radar.early_fraud_warning.created", a_fraud_warning())))
    again = an_event("radar.early_fraud_warning.created", a_fraud_warning(), event_id="evt_b")
    over = a_fraud_warning(actionable=False)
    stripe_holds(worker, over)
    ended = an_event("radar.early_fraud_warning.updated", over, event_id="evt_c")
    gets(worker, again, ended)
    assert told(worker) == ["pay_1.2.fraud.warned.issfr_1"]
    assert worker.payment.view()["fraud_warning"]["actionable"] is False
    (row,) = [row for row in worker.tables.rows.values() if row.domain_events]
    assert row.domain_events[0].object["fraud_warning"]["charge"] == "ch_1"


# --- charges --------------------------------------------------------------------------------------


def test_a_charge_whose_intent_s_event_is_in_the_same_batch_costs_no_call() -> None:
    """What the batch committed is there when the charge is looked at alone."""
    worker = a_worker(a_payment(payment_intent_id="pi_1", status=PaymentStatus.AUTHORIZED))
    gets(
        worker,
        *events(
            ("charge.captured", a_charge()), ("payment_intent.succeeded", an_intent("succeeded"))
        ),
    )
    assert worker.payment.status is PaymentStatus.PAID
    assert worker.telemetry.counts["StripeFetches"] == 0
    assert told(worker) == ["pay_1.2.payment.paid"]


def test_a_charge_alone_brings_the_payment_to_where_its_intent_is() -> None:
    """The intent's own event may be late or lost; it then changes nothing."""
    worker = a_worker(a_payment(payment_intent_id="pi_1", status=PaymentStatus.AUTHORIZED))
    stripe_holds(worker, an_intent("canceled"))
    gets(worker, *events(("charge.expired", a_charge(captured=False))))
    assert worker.payment.status is PaymentStatus.CANCELED
    gets(worker, an_event("payment_intent.canceled", an_intent("canceled"), event_id="evt_late"))
    assert worker.outcomes == {"evt_0": "applied", "evt_late": "unchanged"}
    assert told(worker) == ["pay_1.2.payment.canceled"]


def test_a_stray_s_charge_tells_of_no_cancel() -> None:
    """Its intent's own event does; a charge has no intent's id to cancel."""
    worker = a_worker()
    stray = a_charge(id="ch_2", payment_intent="pi_2")
    gets(worker, *events(("charge.failed", stray | {"status": "failed"})))
    assert worker.outcomes == {"evt_0": "superseded"}
    assert told(worker) == []
    assert "ch_2" not in worker.tables.pointers


# --- pages ----------------------------------------------------------------------------------------


def on_a_page(**changes: Any) -> Payment:
    creation = replace(a_payment().creation, path=SESSIONS_PATH)
    return a_payment(creation=creation, **changes)


def test_a_page_links_the_payment_before_its_intent_speaks() -> None:
    worker = a_worker(on_a_page())
    gets(worker, *events(("checkout.session.completed", a_session())))
    assert worker.payment.payment_intent_id == "pi_1"
    assert worker.tables.pointers["pi_1"].aggregate_id == "pay_1"
    assert told(worker) == []
    gets(worker, an_event(event_id="evt_paid"))
    assert told(worker) == ["pay_1.3.payment.paid"]


def test_an_expired_page_cancels_the_payment_and_tells_it_once() -> None:
    worker = a_worker(on_a_page(checkout_session_id="cs_1"))
    expired = a_session("expired", payment_intent=None)
    found = events(("checkout.session.expired", expired), ("checkout.session.expired", expired))
    gets(worker, *found)
    assert told(worker) == ["pay_1.2.payment.canceled"]
    assert list(worker.outcomes.values()) == ["applied", "unchanged"]


@pytest.mark.parametrize("mode", ["subscription", "setup"])
def test_a_page_for_something_else_with_our_mark_is_ignored_and_not_waited_for(mode: str) -> None:
    worker = a_worker()
    marks = {"paidonce_stage": "test", "paidonce_user": "user-1"}
    other = a_session(mode=mode, payment_intent=None, metadata=marks)
    gets(worker, *events(("checkout.session.completed", other)))
    assert worker.outcomes == {"evt_0": "ignored"}


def test_somebody_else_s_page_is_foreign() -> None:
    worker = a_worker()
    other = a_session("expired", id="cs_9", payment_intent=None, metadata={})
    gets(worker, *events(("checkout.session.expired", other)))
    assert worker.outcomes == {"evt_0": "foreign"}


# --- readings -------------------------------------------------------------------------------------


def looked_at(worker: Worker, object_id: str) -> None:
    """Somebody doubts what we hold, and asks for a look."""
    reading = Reading(object_id=object_id, as_of=NOON)
    bare = worker.delivery(None, event_id=reading.name)
    asked = replace(bare, reading=object_id, body=reading.message())
    assert worker.takes(asked) == set()


def test_a_look_at_a_dispute_shows_what_no_event_told() -> None:
    worker = a_worker()
    stripe_holds(worker, a_dispute("lost"))
    looked_at(worker, "du_1")
    assert [d.status for d in worker.payment.disputes] == ["lost"]
    assert told(worker) == ["pay_1.2.dispute.lost.du_1", "pay_1.2.dispute.opened.du_1"]


def test_a_look_at_a_charge_is_a_look_at_its_intent() -> None:
    worker = a_worker(a_payment(payment_intent_id="pi_1", status=PaymentStatus.AUTHORIZED))
    stripe_holds(worker, a_charge())
    stripe_holds(worker, an_intent("succeeded"))
    looked_at(worker, "ch_1")
    assert worker.payment.status is PaymentStatus.PAID


def test_a_look_at_an_open_page_changes_nothing() -> None:
    before = on_a_page(checkout_session_id="cs_1")
    worker = a_worker(before)
    stripe_holds(worker, a_session("open", payment_intent=None))
    looked_at(worker, "cs_1")
    assert worker.payment == before
