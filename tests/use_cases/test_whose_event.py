"""Whose an event's object is where it does not say so itself: by its parent, or its own row."""

from pathlib import Path
from typing import Any

import pytest
from paidonce.domain import rulebook
from paidonce.domain.customer import Customer
from paidonce.domain.errors import StripeRefused, TryAgain
from paidonce.domain.ownership import FOREIGN, Stage
from paidonce.domain.rulebook import FetchFirst, Rule, Verdict
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_event import StripeEvent

from tests.examples import NOON, a_payment, an_event
from tests.use_cases.a_refund_desk import a_paid_payment, a_stripe_refund, refunds_of
from tests.use_cases.worker import Worker, stripe_holds

OLD = Path(__file__).parents[1] / "events" / "stripe-old"
OURS = {"paidonce_stage": "test", "paidonce_payment": "pay_1"}


def an_intent(metadata: dict[str, str]) -> dict[str, Any]:
    return {"id": "pi_new", "object": "payment_intent", "metadata": metadata}


def a_refund_of(intent_id: str | None, *, n: int = 1) -> StripeEvent:
    found = a_stripe_refund(charge=None, payment_intent=intent_id)
    return an_event("refund.created", found, event_id=f"evt_{n}")


def gets(worker: Worker, *events: StripeEvent) -> None:
    assert worker.takes(*(worker.delivery(event) for event in events)) == set()


# --- parents --------------------------------------------------------------------------------------


def test_an_object_without_marks_is_ours_by_the_marks_of_its_parent() -> None:
    """Its intent's own events, which write the pointer, have not come yet."""
    worker = Worker(a_paid_payment(payment_intent_id="pi_new"))
    worker.tables.pointers.clear()
    stripe_holds(worker, an_intent(OURS))
    gets(worker, a_refund_of("pi_new"))
    assert worker.outcomes == {"evt_1": "applied"}
    assert refunds_of(worker.payment) == {"re_1": (400, "succeeded")}
    assert worker.tables.pointers["re_1"].aggregate_id == "pay_1"


def test_a_refund_of_a_stray_intent_is_none_of_the_payment_s() -> None:
    """Its marks are the payment's; what was paid twice is given back, not what was paid."""
    worker = Worker(a_paid_payment())
    stripe_holds(worker, an_intent(OURS))
    gets(worker, a_refund_of("pi_new"))
    assert worker.outcomes == {"evt_1": "superseded"}
    assert worker.payment.refunds == ()
    assert worker.payment.refundable_minor == 1000


def test_a_refund_waits_until_it_is_known_which_intent_is_the_payment_s() -> None:
    worker = Worker(a_payment())
    stripe_holds(worker, an_intent(OURS))
    gets(worker, a_refund_of("pi_new"))
    assert worker.outcomes == {"evt_1": "waiting"}


@pytest.mark.parametrize("metadata", [{}, {"paidonce_stage": "another"}])
def test_somebody_else_s_parent_is_read_once_and_remembered_for_a_month(
    metadata: dict[str, str],
) -> None:
    worker = Worker(a_paid_payment())
    stripe_holds(worker, an_intent(metadata))
    gets(worker, a_refund_of("pi_new"))
    gets(worker, a_refund_of("pi_new", n=2))
    assert worker.outcomes == {"evt_1": "foreign", "evt_2": "foreign"}
    assert worker.telemetry.counts["EventsForeign"] == 2
    assert worker.telemetry.counts["StripeFetches"] == 1
    pointer = worker.tables.pointers["pi_new"]
    assert pointer.aggregate_id == FOREIGN
    assert pointer.expires_at is not None
    assert 29 < (pointer.expires_at - NOON) / 86_400 < 31


def test_what_was_made_from_something_that_stripe_does_not_have_is_not_ours() -> None:
    """We never delete what we make; but it is not remembered, since a wrong key sees nothing."""
    worker = Worker(a_paid_payment())
    gets(worker, a_refund_of("pi_gone"))
    assert worker.outcomes == {"evt_1": "foreign"}
    assert "pi_gone" not in worker.tables.pointers


def test_a_parent_that_stripe_will_not_show_is_no_answer() -> None:
    worker = Worker(a_paid_payment())
    worker.reader.faults.plan("retrieve", StripeRefused("no permission", http_status=403))
    delivery = worker.delivery(a_refund_of("pi_new"))
    assert worker.takes(delivery) == {delivery.message_id}
    assert worker.outcomes == {"evt_1": "failing"}


def test_events_of_old_releases_about_nothing_of_ours_are_decided() -> None:
    """Real payloads of 88 types, whose objects Stripe does not have here."""
    worker = Worker(a_paid_payment())
    for path in sorted(OLD.glob("*.json")):
        event = StripeEvent.parse(path.read_bytes())
        gets(worker, StripeEvent(**{**vars(event), "id": f"evt_{path.stem.replace('.', '_')}"}))
    assert len(worker.tables.rows) == 88
    assert set(worker.outcomes.values()) == {"ignored", "foreign", "applied"}
    applied = {row.event_type for row in worker.tables.rows.values() if row.outcome == "applied"}
    assert {name.partition(".")[0] for name in applied} == {"price", "product"}


def test_an_object_that_names_no_parent_is_foreign_without_a_call() -> None:
    worker = Worker(a_paid_payment())
    gets(worker, a_refund_of(None))
    assert worker.outcomes == {"evt_1": "foreign"}
    assert worker.telemetry.counts["StripeFetches"] == 0


def test_a_parent_of_ours_whose_row_is_not_there_yet_is_waited_for() -> None:
    worker = Worker(a_paid_payment())
    stripe_holds(worker, an_intent(OURS | {"paidonce_payment": "pay_2"}))
    gets(worker, a_refund_of("pi_new"))
    assert worker.outcomes == {"evt_1": "waiting"}
    assert worker.tables.rows["evt_1"].reason == "not_yet_known"


def test_a_parent_that_cannot_be_read_now_loses_nothing() -> None:
    worker = Worker(a_paid_payment())
    worker.reader.faults.plan("retrieve", TryAgain("Stripe is away"))
    gets(worker, a_refund_of("pi_new"))
    assert worker.outcomes == {"evt_1": "waiting"}
    assert len(worker.queue.copies) == 1


# --- rows that an event makes ---------------------------------------------------------------------


def settle(customer: Customer, seen: Sighting) -> Verdict[Customer] | FetchFirst:
    """A rule as one of a customer could be: `odd` is not believed in a payload."""
    name = seen.object["name"]
    if name == "odd" and seen.source is Source.PAYLOAD:
        return FetchFirst("cus_2", resource="customer")
    return Verdict(
        after=Customer(**{**vars(customer), "name": name, "as_of": seen.as_of})
        if name != "the same"
        else customer
    )


def begin(found: Any, at: str) -> Customer:
    return Customer(id=found["id"], user_id="user-1", created_at=at, updated_at=at, version=0)


@pytest.fixture(autouse=True)
def _rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        rulebook._RULES,
        "customer.updated",
        Rule(
            event_type="customer.updated",
            resource="customer",
            decide=settle,
            of=Customer,
            names=lambda found: str(found["id"]),
            begins=begin,
        ),
    )


def a_change(name: str, *, n: int = 1, mark: str | None = "test") -> StripeEvent:
    metadata = {} if mark is None else {"paidonce_stage": mark}
    found = {"id": "cus_1", "object": "customer", "name": name, "metadata": metadata}
    return an_event("customer.updated", found, event_id=f"evt_{n}", created=NOON + n)


def customer(worker: Worker) -> Customer:
    found = worker.tables.others["cus_1"]
    assert isinstance(found, Customer)
    return found


def test_an_event_makes_the_row_and_those_after_it_in_the_batch_change_it() -> None:
    worker = Worker()
    gets(worker, a_change("Ann"), a_change("Bea", n=2))
    assert worker.outcomes == {"evt_1": "applied", "evt_2": "applied"}
    assert (customer(worker).name, customer(worker).version) == ("Bea", 2)
    assert len(worker.books.commits) == 1
    told = [e.id for row in worker.tables.rows.values() for e in row.domain_events]
    assert told == ["cus_1.1.customer.changed", "cus_1.2.customer.changed"]


def test_a_row_that_somebody_makes_meanwhile_is_read_and_changed() -> None:
    worker = Worker()
    stands = Customer(id="cus_1", user_id="u", created_at="then", updated_at="then", name="Zoe")
    worker.books.faults.before("commit", lambda: worker.tables.put(stands))
    gets(worker, a_change("Ann"))
    assert worker.outcomes == {"evt_1": "applied"}
    assert (customer(worker).name, customer(worker).version) == ("Ann", 2)
    assert customer(worker).user_id == "u"


def test_a_rule_that_learns_nothing_makes_no_row() -> None:
    worker = Worker()
    gets(worker, a_change("the same"))
    assert worker.outcomes == {"evt_1": "unchanged"}
    assert worker.tables.others == {}


def test_a_rule_may_ask_for_another_object() -> None:
    worker = Worker()
    worker.stripe.objects["cus_2"] = {"id": "cus_2", "object": "customer", "name": "Ann"}
    gets(worker, a_change("odd"))
    assert customer(worker).name == "Ann"


@pytest.mark.parametrize(
    ("mark", "adopt", "outcome"),
    [
        ("test", False, "applied"),
        (None, False, "foreign"),
        (None, True, "applied"),
        ("another", False, "foreign"),
        ("another", True, "foreign"),
    ],
)
def test_what_has_no_mark_is_ours_only_where_the_stage_adopts(
    mark: str | None,
    adopt: bool,  # noqa: FBT001 - pytest gives it by name
    outcome: str,
) -> None:
    worker = Worker(stage=Stage(name="test", livemode=False, adopt=adopt))
    gets(worker, a_change("Ann", mark=mark))
    assert worker.outcomes == {"evt_1": outcome}


def test_what_has_a_row_of_ours_is_ours_without_a_mark() -> None:
    worker = Worker()
    gets(worker, a_change("Ann"))
    gets(worker, a_change("Bea", n=2, mark=None))
    assert customer(worker).name == "Bea"
