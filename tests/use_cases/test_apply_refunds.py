"""Refunds' events through the worker: whose they are, once, and in one batch."""

from typing import Any

from paidonce.use_cases.ports import Pointer

from tests.examples import NOON, an_event
from tests.use_cases.a_refund_desk import a_paid_payment, a_stripe_refund, refunds_of
from tests.use_cases.worker import Worker, stripe_holds


def a_worker(*pointer_ids: str) -> Worker:
    worker = Worker(a_paid_payment())
    for pointer_id in pointer_ids:
        worker.tables.pointers[pointer_id] = Pointer(id=pointer_id, aggregate_id="pay_1")
    return worker


def gets(worker: Worker, *found: tuple[str, dict[str, Any]]) -> None:
    """One batch of these events, a second apart."""
    first = len(worker.tables.rows)
    deliveries = [
        worker.delivery(an_event(kind, one, event_id=f"evt_{first + n}", created=NOON + n))
        for n, (kind, one) in enumerate(found)
    ]
    assert worker.takes(*deliveries) == set()


def told(worker: Worker) -> list[str]:
    return [e.id for row in worker.tables.rows.values() for e in row.domain_events]


def test_a_refund_of_the_dashboard_is_found_by_its_charge_or_intent() -> None:
    for pointer_id in ("ch_1", "pi_1"):
        worker = a_worker(pointer_id)
        gets(worker, ("refund.created", a_stripe_refund()))
        assert refunds_of(worker.payment) == {"re_1": (400, "succeeded")}
        assert worker.tables.pointers["re_1"].aggregate_id == "pay_1"
        assert told(worker) == ["pay_1.2.refund.settled.re_1"]


def test_a_refund_of_somebody_else_s_charge_is_foreign() -> None:
    worker = a_worker("ch_1", "pi_1")
    other = a_stripe_refund(charge="ch_other", payment_intent="pi_other")
    stripe_holds(worker, {"id": "pi_other", "object": "payment_intent", "metadata": {}})
    gets(worker, ("refund.created", other), ("charge.refunded", {"id": "ch_o", "object": "charge"}))
    assert set(worker.outcomes.values()) == {"foreign"}
    assert worker.payment.refunds == ()


def test_all_that_stripe_says_of_one_refund_in_one_batch_is_told_once_each() -> None:
    """charge.refund.updated and refund.updated are two Event objects of one change."""
    worker = a_worker("ch_1")
    ok, failed = a_stripe_refund(), a_stripe_refund("failed")
    gets(
        worker,
        ("refund.created", ok),
        ("charge.refunded", {"id": "ch_1", "object": "charge", "amount_refunded": 400}),
        ("charge.refund.updated", failed),
        ("refund.updated", failed),
        ("refund.failed", failed),
    )
    assert list(worker.outcomes.values()) == [
        "applied",
        "unchanged",
        "applied",
        "unchanged",
        "unchanged",
    ]
    assert told(worker) == ["pay_1.2.refund.settled.re_1", "pay_1.3.refund.failed.re_1"]
    assert worker.payment.amount_refunded_minor == 0


def test_after_the_first_event_the_refund_s_own_pointer_is_enough() -> None:
    worker = a_worker("ch_1")
    gets(worker, ("refund.created", a_stripe_refund("pending")))
    worker.tables.pointers.pop("ch_1")
    gets(worker, ("refund.updated", a_stripe_refund()))
    assert refunds_of(worker.payment) == {"re_1": (400, "succeeded")}
