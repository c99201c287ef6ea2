"""Verify names each object and field that is not as Stripe has it, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from paidonce.domain.drift import Drift
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import PaymentStatus
from paidonce.use_cases.verify import Report, Verify

from tests.examples import NOON, STAGE, an_event, an_intent
from tests.fakes_stripe import FakeStripeGateway
from tests.use_cases.a_refund_desk import a_stripe_refund
from tests.use_cases.worker import Worker

TYPES = ["payment_intent.created", "payment_intent.succeeded", "refund.created"]


@dataclass
class Shop:
    """A worker that has taken one payment, and Stripe with what led to it."""

    worker: Worker = field(default_factory=Worker)

    def __post_init__(self) -> None:
        charge = {"id": "ch_1", "object": "charge", "amount_refunded": 0, "refunded": False}
        self.worker.stripe.objects["ch_1"] = charge
        self.happens(
            "payment_intent.succeeded", self.intent(latest_charge=charge), event_id="evt_1"
        )

    def intent(self, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
        return an_intent(status, **{"created": NOON, "livemode": False} | changes)

    def happens(
        self, event_type: str, found: dict[str, Any], *, event_id: str, reaches_us: bool = True
    ) -> None:
        objects = self.worker.stripe.objects
        objects[found["id"]] = found
        objects[event_id] = {
            "id": event_id,
            "object": "event",
            "type": event_type,
            "created": NOON,
            "livemode": False,
        }
        if reaches_us:
            event = an_event(event_type, found, event_id=event_id)
            assert self.worker.takes(self.worker.delivery(event)) == set()

    @property
    def gateway(self) -> FakeStripeGateway:
        return FakeStripeGateway(self.worker.stripe)

    def verified(self, *, meanwhile: Callable[[], object] | None = None) -> Report:
        clock = self.worker.clock

        class Clock:
            """Time in which a worker may do its work."""

            now = clock.now

            def pause(self, seconds: float) -> None:
                clock.pause(seconds)
                if meanwhile:
                    meanwhile()

        verify = Verify(
            books=self.worker.books,
            gateway=self.gateway,
            clock=Clock(),
            stage=STAGE,
            event_types=TYPES,
            settle_seconds=10,
        )
        return verify(since=NOON - 60, until=NOON + 60, time_left=lambda: 60.0)

    def drifts(self) -> set[tuple[str, str | None, str, str | None, str | None]]:
        return {
            (one.object_id, one.aggregate_id, one.field, one.ours, one.stripes)
            for one in self.verified().drifts
        }


def test_books_that_are_right_show_nothing_and_cost_no_wait() -> None:
    shop = Shop()
    pauses = list(shop.worker.clock.pauses)
    report = shop.verified()
    assert report.drifts == []
    assert report.looked_at == {"event": 1, "payment_intent": 1}
    assert report.money == {("2026-09-21", "usd", "captured"): [1000, 1000]}
    assert shop.worker.clock.pauses == pauses


@pytest.mark.parametrize(
    ("changes", "name", "ours", "stripes"),
    [
        ({"status": PaymentStatus.PENDING}, "status", "pending", "succeeded"),
        ({"status": PaymentStatus.CANCELED}, "status", "canceled", "succeeded"),
        ({"amount_captured_minor": 999}, "amount_captured_minor", "999", "1000"),
        ({"payment_intent_id": None}, "payment_intent_id", "None", "pi_1"),
        ({"charge_id": "ch_9"}, "charge_id", "ch_9", "ch_1"),
    ],
)
def test_a_field_that_was_changed_behind_our_back_is_named(
    changes: dict[str, Any], name: str, ours: str, stripes: str
) -> None:
    shop = Shop()
    shop.worker.tables.payments["pay_1"] = replace(shop.worker.payment, **changes)
    (found,) = [one for one in shop.verified().drifts if one.field == name]
    assert (found.object_id, found.aggregate_id) == ("pi_1", "pay_1")
    assert (str(found.ours), found.stripes) == (ours, {"succeeded": "paid"}.get(stripes, stripes))


def test_a_payment_that_somebody_called_paid_is_found() -> None:
    """No rule would ever take it back, so the comparison rests on none."""
    shop = Shop()
    shop.worker.stripe.objects["pi_1"] = shop.intent("requires_payment_method")
    assert ("pi_1", "pay_1", "status", "paid", "pending") in shop.drifts()


def test_a_row_that_was_deleted_is_named() -> None:
    shop = Shop()
    del shop.worker.tables.payments["pay_1"]
    assert shop.drifts() == {("pi_1", "pay_1", "row", None, "succeeded")}


def test_an_event_that_is_not_in_the_ledger_is_named() -> None:
    shop = Shop()
    del shop.worker.tables.rows["evt_1"]
    assert shop.drifts() == {("evt_1", None, "ledger", None, "payment_intent.succeeded")}


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.FAILING, Outcome.DEAD])
def test_an_event_that_is_not_decided_is_named_with_why(outcome: Outcome) -> None:
    shop = Shop()
    row = replace(shop.worker.tables.rows["evt_1"], outcome=outcome, reason="failed")
    shop.worker.tables.rows["evt_1"] = row
    (found,) = shop.verified().drifts
    assert found.ours == f"{outcome.value} (failed)"


def test_what_a_worker_decides_meanwhile_is_no_drift() -> None:
    shop = Shop()
    row = shop.worker.tables.rows.pop("evt_1")
    paid = shop.worker.payment
    shop.worker.tables.payments["pay_1"] = replace(paid, status=PaymentStatus.PENDING)

    def decides() -> None:
        shop.worker.tables.rows["evt_1"] = row
        shop.worker.tables.payments["pay_1"] = paid

    assert shop.verified(meanwhile=decides).drifts == []


def test_a_refund_that_we_never_heard_of_is_named_and_the_day_s_money_differs() -> None:
    shop = Shop()
    refund = a_stripe_refund(created=NOON + 1, livemode=False, currency="usd", metadata={})
    shop.worker.stripe.objects["pi_1"]["latest_charge"]["amount_refunded"] = 400
    shop.happens("refund.created", refund, event_id="evt_2", reaches_us=False)
    report = shop.verified()
    assert {(one.object_id, one.field, one.ours, one.stripes) for one in report.drifts} == {
        ("evt_2", "ledger", None, "refund.created"),
        ("pi_1", "amount_refunded_minor", "0", "400"),
        ("re_1", "refund", None, "succeeded"),
    }
    assert report.money["2026-09-21", "usd", "refunded"] == [0, 400]


def test_a_dispute_of_ours_that_we_never_heard_of_is_named() -> None:
    shop = Shop()
    shop.worker.stripe.objects["dp_1"] = {
        "id": "dp_1",
        "object": "dispute",
        "created": NOON,
        "livemode": False,
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "amount": 1000,
        "currency": "usd",
        "status": "needs_response",
    }
    assert shop.drifts() == {("dp_1", "pay_1", "dispute", None, "needs_response")}


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {}},
        {"metadata": {"paidonce_stage": "another", "paidonce_payment": "pay_9"}},
        {"livemode": True},
    ],
)
def test_what_is_somebody_else_s_is_none_of_our_books(changes: dict[str, Any]) -> None:
    shop = Shop()
    shop.worker.stripe.objects["pi_9"] = shop.intent(**{"id": "pi_9"} | changes)
    assert shop.drifts() == set()


@pytest.mark.parametrize(
    ("status", "charge", "is_drift"),
    [
        ("canceled", None, False),
        ("requires_payment_method", None, True),
        ("succeeded", {"id": "ch_9", "refunded": False}, True),
        ("succeeded", {"id": "ch_9", "refunded": True}, False),
    ],
)
def test_a_stray_intent_is_drift_while_somebody_s_money_may_be_in_it(
    status: str,
    charge: dict[str, Any] | None,
    is_drift: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    shop = Shop()
    stray = shop.intent(status, id="pi_stray", latest_charge=charge)
    shop.worker.stripe.objects["pi_stray"] = stray
    found = {one[2] for one in shop.drifts()}
    assert found == ({"stray_intent"} if is_drift else set())


def test_an_expired_page_leaves_its_intent_open_and_that_is_right() -> None:
    shop = Shop()
    creation = replace(shop.worker.payment.creation, path="/v1/checkout/sessions")
    shop.worker.tables.payments["pay_1"] = replace(
        shop.worker.payment,
        creation=creation,
        status=PaymentStatus.CANCELED,
        amount_captured_minor=0,
    )
    shop.worker.stripe.objects["pi_1"] = shop.intent("requires_payment_method")
    assert shop.drifts() == set()


def test_what_cannot_be_looked_at_is_never_called_right() -> None:
    shop = Shop()
    shop.worker.books.faults.plan("read", TryAgain("throttled"))
    with pytest.raises(TryAgain):
        shop.verified()


def test_a_drift_is_words_and_numbers_only() -> None:
    one = Drift(object_id="pi_1", aggregate_id=None, field="status", ours="a", stripes="b")
    assert vars(one).keys() == {"object_id", "aggregate_id", "field", "ours", "stripes"}
