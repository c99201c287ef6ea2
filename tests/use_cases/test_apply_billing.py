"""Events of customers, subscriptions and invoices, through the worker."""

import json
from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.announcement import announcements_of
from paidonce.domain.customer import Customer
from paidonce.domain.errors import TryAgain
from paidonce.domain.invoice import subscription_id_of
from paidonce.domain.moment import iso
from paidonce.domain.next_step import NextStep
from paidonce.domain.notice import notice_of
from paidonce.domain.ownership import Stage
from paidonce.domain.policy import Policy
from paidonce.domain.stripe_event import StripeEvent
from paidonce.domain.subscription import Subscription

from tests.billing_examples import (
    DAY,
    a_customer,
    a_failed_invoice,
    a_row,
    a_subscription,
    an_invoice,
    with_payments,
)
from tests.examples import NOON, STAGE, an_event
from tests.use_cases.test_fixtures import OF_BILLING
from tests.use_cases.worker import Worker

UPDATED = "customer.subscription.updated"


def a_worker(*rows: Any, held: dict[str, Any] | None = None, stage: Stage | None = None) -> Worker:
    worker = Worker(**({"stage": stage} if stage else {}))
    for row in rows:
        worker.tables.put(row)
    if held is not None:
        worker.stripe.objects[held["id"]] = held
    return worker


def gets(worker: Worker, *events: tuple[str, dict[str, Any]], at: int = NOON + 60) -> None:
    first = len(worker.tables.rows)
    deliveries = [
        worker.delivery(an_event(name, found, event_id=f"evt_{first + n}", created=at + n))
        for n, (name, found) in enumerate(events)
    ]
    assert worker.takes(*deliveries) == set()


def the(worker: Worker) -> Subscription:
    found = worker.tables.others["sub_1"]
    assert isinstance(found, Subscription)
    return found


def told(worker: Worker) -> list[str]:
    return [e.type for row in worker.tables.rows.values() for e in row.domain_events]


# --- each type as Stripe sends it -----------------------------------------------------------------


@pytest.mark.parametrize("path", OF_BILLING, ids=lambda path: path.stem)
def test_every_rule_applied_twice_equals_once(path: Any) -> None:
    event = StripeEvent.from_document(json.loads(path.read_text()))
    is_invoice = event.object["object"] == "invoice"
    row_id = subscription_id_of(event.object) if is_invoice else event.object_id
    assert row_id is not None
    held = a_subscription(id=row_id, latest_invoice=event.object) if is_invoice else event.object
    worker = a_worker(held=dict(held))
    worker.stripe.objects[event.object["id"]] = dict(event.object)
    assert worker.takes(worker.delivery(event)) == set()
    once = worker.tables.others[row_id]
    assert once.view()["user_id"] == "user-1"
    assert worker.takes(worker.delivery(event)) == set()
    assert worker.tables.others[row_id] == once
    # Stripe may make two Event objects for one change: the second changes nothing either.
    same = replace(event, id="evt_of_the_same_change")
    assert worker.takes(worker.delivery(same)) == set()
    assert worker.tables.others[row_id].looks_like(once)
    assert set(worker.outcomes.values()) <= {"applied", "unchanged"}
    assert len(told(worker)) == 1


# --- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "adopt", "outcome"),
    [
        ({"paidonce_stage": "test"}, False, "applied"),
        ({"paidonce_stage": "another"}, True, "foreign"),
        ({}, True, "applied"),
        ({}, False, "foreign"),
        (None, False, "foreign"),
    ],
)
@pytest.mark.parametrize("kind", ["customer.created", UPDATED, "invoice.paid"])
def test_rows_begin_with_events_of_ours_and_with_others_where_the_stage_adopts(
    kind: str,
    marks: dict[str, str] | None,
    adopt: bool,  # noqa: FBT001 - pytest gives it by name
    outcome: str,
) -> None:
    details = {"subscription": "sub_1", "metadata": marks}
    found = {
        "customer.created": a_customer(metadata=marks),
        UPDATED: a_subscription(metadata=marks),
        "invoice.paid": an_invoice(parent={"subscription_details": details}),
    }[kind]
    stage = Stage(name="test", livemode=False, adopt=adopt)
    held = a_subscription(metadata=marks, latest_invoice=an_invoice())
    worker = a_worker(held=held, stage=stage)
    gets(worker, (kind, found))
    assert worker.outcomes == {"evt_0": outcome}
    assert bool(worker.tables.others) == (outcome == "applied")


def test_an_invoice_of_no_subscription_is_nothing_of_ours() -> None:
    """Not even with our mark: it would wait for a row that never comes."""
    worker = a_worker()
    gets(worker, ("invoice.paid", an_invoice(parent=None, metadata={"paidonce_stage": "test"})))
    assert worker.outcomes == {"evt_0": "foreign"}


# --- what it costs, and what comes of it ----------------------------------------------------------


def test_a_renewal_in_its_order_needs_no_look_at_stripe() -> None:
    worker = a_worker(a_row())
    gets(
        worker,
        ("invoice.created", an_invoice("draft", 2)),
        (UPDATED, a_subscription(latest_invoice="in_2")),
        ("invoice.finalized", an_invoice("open", 2)),
        ("invoice.paid", an_invoice("paid", 2)),
        ("invoice.payment_succeeded", an_invoice("paid", 2)),
    )
    assert worker.telemetry.counts["StripeFetches"] == 0
    assert len(worker.books.commits) == 1
    assert told(worker).count("subscription.renewed") == 1
    assert the(worker).view()["latest_invoice"] == {"id": "in_2", "status": "paid"}


def test_a_row_that_an_invoice_begins_costs_one_look() -> None:
    worker = a_worker(held=a_subscription(latest_invoice=an_invoice()))
    gets(worker, ("invoice.paid", an_invoice()))
    assert worker.telemetry.counts["StripeFetches"] == 1
    assert told(worker) == ["subscription.started"]
    assert the(worker).version == 1


def test_the_bus_is_told_under_the_policy_of_the_stage() -> None:
    """As the API shows it at that moment."""
    late = a_subscription("past_due", latest_invoice=an_invoice("open", 2))
    seen = {}
    for days in (0, 60):
        stage = Stage(name="test", livemode=False, policy=Policy(grace_days=days))
        worker = a_worker(a_row(), held=late, stage=stage)
        worker.clock.time = NOON + 31 * DAY
        gets(worker, (UPDATED, late | {"latest_invoice": "in_2"}), at=NOON + 31 * DAY)
        ((event,),) = [row.domain_events for row in worker.tables.rows.values()]
        assert event.type == "subscription.past_due"
        seen[days] = (event.object["entitled"], event.object["entitled_until"])
    assert seen == {0: (False, None), 60: (True, iso(NOON + 90 * DAY))}


# --- why a renewal failed -------------------------------------------------------------------------

FAILED = a_failed_invoice()
LATE = a_subscription("past_due", latest_invoice="in_2")
TELL_FAILURE = ("invoice.payment_failed", FAILED)
TELL_LATE = (UPDATED, LATE)


def renewed(worker: Worker, decline_code: str | None = "insufficient_funds") -> Worker:
    """Stripe holds a subscription that is late, and why."""
    looked = with_payments(FAILED, decline_code)
    worker.stripe.objects |= {"in_2": looked, "sub_1": LATE | {"latest_invoice": looked}}
    return worker


def notices(worker: Worker) -> list[str]:
    """What customers are told, in the order of the ledger."""
    rows = worker.tables.rows.values()
    sent = [notice_of(one) for row in rows for one in announcements_of(row, STAGE)]
    return [one.text for one in sent if one]


@pytest.mark.parametrize(
    ("decline_code", "step"),
    [
        ("insufficient_funds", NextStep.ADD_FUNDS),
        ("authentication_required", NextStep.CONFIRM),
        ("call_issuer", NextStep.CALL_BANK),
        ("try_again_later", NextStep.WAIT),
        ("stolen_card", NextStep.NEW_CARD),
        # An intent without an error.
        (None, NextStep.NEW_CARD),
    ],
)
@pytest.mark.parametrize("order", [[TELL_FAILURE, TELL_LATE], [TELL_LATE, TELL_FAILURE]])
@pytest.mark.parametrize("pace", ["one batch", "one by one", "one second"])
def test_a_failed_renewal_tells_the_customer_what_to_do(
    decline_code: str | None, step: NextStep, order: list[Any], pace: str
) -> None:
    """Once, in whatever order Stripe tells of it, whatever comes again."""
    worker = renewed(a_worker(a_row()), decline_code)
    if pace == "one batch":
        gets(worker, *order)
    else:
        for number, event in enumerate(order):
            gets(worker, event, at=NOON + (61 + number if pace == "one by one" else 60))
    # Stripe may make two Event objects for one change.
    gets(worker, *order)
    (text,) = notices(worker)
    assert step.value in text
    error = the(worker).view()["last_error"]
    assert error is None or (error["decline_code"], error["message"]) == (decline_code, step.value)
    assert (error is None) is (decline_code is None)
    assert set(worker.outcomes.values()) <= {"applied", "unchanged"}


def test_a_failed_renewal_in_its_order_costs_one_look() -> None:
    worker = renewed(a_worker(a_row()))
    gets(worker, TELL_FAILURE)
    gets(worker, TELL_LATE)
    assert worker.telemetry.counts["StripeFetches"] == 1


def test_a_retry_with_another_reason_is_shown_and_no_second_notice() -> None:
    worker = renewed(a_worker(a_row()))
    gets(worker, TELL_FAILURE, TELL_LATE)
    renewed(worker, "expired_card")
    gets(worker, TELL_FAILURE, at=NOON + 3 * DAY)
    assert the(worker).view()["last_error"]["decline_code"] == "expired_card"
    assert told(worker).count("subscription.past_due") == len(notices(worker)) == 1
    last = worker.tables.rows["evt_2"].domain_events[-1]
    assert (last.type, last.object["last_error"]) == (
        "subscription.changed",
        the(worker).view()["last_error"],
    )


def test_a_renewal_that_recovers_shows_no_error_any_more() -> None:
    worker = renewed(a_worker(a_row()))
    gets(worker, TELL_FAILURE, TELL_LATE)
    paid = ("invoice.paid", an_invoice("paid", 2))
    gets(worker, paid, at=NOON + 90)
    assert the(worker).view()["last_error"] is None
    last = worker.tables.rows["evt_2"].domain_events[-1]
    assert (last.type, last.object["last_error"]) == ("subscription.renewed", None)
    # A failure that is told of late changes nothing.
    fetches = worker.telemetry.counts["StripeFetches"]
    gets(worker, TELL_FAILURE, at=NOON + 80)
    assert the(worker).view()["last_error"] is None
    assert worker.telemetry.counts["StripeFetches"] == fetches


@pytest.mark.parametrize("order", [[TELL_FAILURE, TELL_LATE], [TELL_LATE, TELL_FAILURE]])
def test_a_look_that_fails_is_made_again_and_nobody_is_told_before(order: list[Any]) -> None:
    """Neither event is decided without it."""
    worker = renewed(a_worker(a_row()))
    for _ in order:
        worker.reader.faults.plan("retrieve", TryAgain("this second's share is used up"))
    gets(worker, *order)
    assert set(worker.outcomes.values()) == {"waiting"}
    assert told(worker) == []
    assert the(worker) == a_row()
    for number, (sent, event) in enumerate(zip(list(worker.queue.copies), order, strict=True)):
        back = an_event(event[0], event[1], event_id=f"evt_{number}", created=NOON + 60 + number)
        assert worker.takes(worker.again(sent, back)) == set()
    assert set(worker.outcomes.values()) <= {"applied", "unchanged"}
    (text,) = notices(worker)
    assert NextStep.ADD_FUNDS.value in text


def test_a_deleted_customer_is_told_of_without_its_name() -> None:
    worker = a_worker()
    gets(worker, ("customer.created", a_customer()), ("customer.deleted", a_customer()))
    row = worker.tables.others["cus_1"]
    assert isinstance(row, Customer)
    assert row.deleted
    assert told(worker) == ["customer.changed"] * 2
    last = worker.tables.rows["evt_1"].domain_events[0].object
    assert (last["deleted"], last["email"], last["name"]) == (True, None, None)
