"""An order on Stripe's own page: one payment, one session, whatever is asked how often."""

import json
from pathlib import Path
from typing import Any

import pytest
from paidonce.domain.caller import Caller
from paidonce.domain.checkout_request import CheckoutRequest
from paidonce.domain.errors import (
    FailureStored,
    IdempotencyConflict,
    InvalidRequest,
    OrderInProgress,
    OutcomeUnknown,
    SlowDown,
    StateConflict,
)
from paidonce.domain.payment import PaymentStatus
from paidonce.domain.price import Item
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_event import StripeEvent
from paidonce.rules.payment_intent import settle
from paidonce.use_cases.cancel_payment import CancelPayment
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.change_payment import Asked, Changed
from paidonce.use_cases.open_checkout import OpenCheckout
from paidonce.use_cases.open_portal import Session

from tests.use_cases.a_shop import DEADLINE_SECONDS, Shop, a_caller, a_request, set_row
from tests.use_cases.test_take_payment_crashes import Between, Crash, Dying

PORTS = ("key", "counter", "payments", "billing_gateway", "books", "operations")
EVENTS = Path(__file__).parents[1] / "events" / "stripe"


def a_stocked_shop(**settings: Any) -> Shop:
    shop = Shop(**settings)
    stock(shop)
    return shop


def stock(shop: Shop) -> None:
    product = {"id": "prod_1", "object": "product", "name": "Hat", "active": True}
    shop.stripe.objects["prod_1"] = product
    every_month = {"interval": "month", "interval_count": 1}
    for name, minor, recurring in (
        ("price_a", 1000, None),
        ("price_b", 250, None),
        ("price_m", 900, every_month),
        ("price_n", 1900, every_month),
    ):
        shop.stripe.objects[name] = {
            "id": name,
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "currency": "usd",
            "product": "prod_1",
            "recurring": recurring,
            "unit_amount": minor,
            "created": 0,
        }


@pytest.fixture
def shop() -> Shop:
    return a_stocked_shop()


def wanted(key: str = "key-1", **changes: Any) -> CheckoutRequest:
    values: dict[str, Any] = {
        "caller": a_caller(),
        "order_id": "order-1",
        "items": (Item(price="price_a", quantity=2),),
    } | changes
    caller: Caller = values["caller"]
    return CheckoutRequest(
        idempotency_key=key,
        body_hash=str(values["items"]),
        money=None,
        user_id=caller.user_id,
        success_url="https://shop.test/done?s={CHECKOUT_SESSION_ID}",
        cancel_url="https://shop.test/cart",
        **values,
    )


def checkout(shop: Shop, request: CheckoutRequest | None = None) -> Session:
    verb = OpenCheckout(take_payment=shop.take_payment, gateway=shop.billing_gateway)
    time_left = shop.clock.time_left(DEADLINE_SECONDS)
    return verb(request or wanted(), correlation_id="corr-1", time_left=time_left)


def cancel(shop: Shop, key: str = "cancel-1") -> Changed:
    asked = Asked(payment_id=shop.row.id, caller=a_caller(), caller_key=key, body_hash="no reason")
    time_left = shop.clock.time_left(DEADLINE_SECONDS)
    return CancelPayment(change_payment=shop.change_payment)(
        asked, correlation_id="corr-1", time_left=time_left
    )


def sessions(shop: Shop) -> list[dict[str, Any]]:
    return [o for o in shop.stripe.objects.values() if o["object"] == "checkout.session"]


def assert_one_of_each(shop: Shop) -> None:
    (session,) = sessions(shop)
    assert shop.row.checkout_session_id == session["id"]
    assert shop.row.status is PaymentStatus.PENDING
    assert list(shop.tables.rows) == [f"answer#{shop.row.id}_a1"]
    assert shop.tables.claims == {"order#user-1#order-1": shop.row.id}


def test_the_payment_is_recorded_with_its_amount_and_the_session_carries_our_marks(
    shop: Shop,
) -> None:
    opened = checkout(shop)
    (session,) = sessions(shop)
    assert opened == Session(how=Ended.MADE, id=session["id"], url=session["url"])
    assert (shop.row.money.minor, shop.row.money.currency) == (2000, "usd")
    params = shop.row.creation.params
    assert params["line_items"] == [{"price": "price_a", "quantity": 2}]
    assert params["payment_intent_data"]["metadata"] == {
        "paidonce_stage": "test",
        "paidonce_payment": shop.row.id,
        "paidonce_order": "order-1",
        "paidonce_attempt": "1",
        "paidonce_correlation": "corr-1",
        "paidonce_user": "user-1",
    }
    assert shop.billing_gateway.keys == [f"{shop.row.id}_a1"]
    assert_one_of_each(shop)


def test_the_webhook_adopts_the_intent_that_the_page_makes(shop: Shop) -> None:
    checkout(shop)
    document = json.loads((EVENTS / "payment_intent.succeeded.json").read_text())
    intent = document["data"]["object"]
    intent |= {"amount": 2000, "amount_received": 2000, "currency": "usd"}
    intent["metadata"] = dict(shop.row.creation.params["payment_intent_data"]["metadata"])
    verdict = settle(shop.row, Sighting.of_event(StripeEvent.from_document(document)))
    assert not hasattr(verdict, "object_id")
    paid = verdict.after
    assert (paid.status, paid.payment_intent_id) == (PaymentStatus.PAID, intent["id"])


def test_the_address_is_kept_nowhere(shop: Shop) -> None:
    checkout(shop)
    checkout(shop)
    told = f"{shop.tables} {shop.telemetry.facts} {shop.telemetry.faults}"
    assert "checkout.test" not in told


def test_a_repeat_and_another_key_find_the_same_page(shop: Shop) -> None:
    first = checkout(shop)
    again = checkout(shop)
    assert (again.how, again.url) == (Ended.REPEATED, first.url)
    other = checkout(shop, wanted("key-2"))
    assert (other.how, other.url) == (Ended.SAME_USER, first.url)
    assert_one_of_each(shop)


def test_an_order_is_paid_in_one_way(shop: Shop) -> None:
    checkout(shop)
    with pytest.raises(OrderInProgress):
        shop.take(a_request("key-2"))
    with pytest.raises(OrderInProgress):
        checkout(shop, wanted("key-3", items=(Item(price="price_b", quantity=1),)))
    with pytest.raises(IdempotencyConflict):
        checkout(shop, wanted("key-1", items=(Item(price="price_b", quantity=1),)))
    other = a_stocked_shop()
    other.take(a_request("key-1"))
    with pytest.raises(OrderInProgress):
        checkout(other)


def test_an_unknown_price_records_nothing(shop: Shop) -> None:
    with pytest.raises(InvalidRequest):
        checkout(shop, wanted(items=(Item(price="price_x", quantity=1),)))
    assert not shop.tables.payments


def test_a_shopper_is_slowed_down_as_for_payments() -> None:
    shop = a_stocked_shop(per_minute=1)
    checkout(shop)
    with pytest.raises(SlowDown):
        checkout(shop)


def test_an_unknown_outcome_is_deferred_and_a_repeat_ends_it(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert checkout(shop) == Session(how=Ended.NOT_KNOWN_YET)
    assert shop.operations.faults.calls == ["put"]
    assert checkout(shop).how is Ended.MADE
    assert_one_of_each(shop)


def test_a_page_that_nobody_knows_any_more_is_not_made_a_second_time(shop: Shop) -> None:
    """Its answer was lost, its intent is known by events, and Stripe has forgotten the key."""
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert checkout(shop).how is Ended.NOT_KNOWN_YET
    set_row(shop, payment_intent_id="pi_1")
    shop.clock.advance(25 * 3600)
    assert checkout(shop).how is Ended.NOT_KNOWN_YET
    assert shop.billing_gateway.faults.calls.count("send") == 1


def test_a_stored_failure_is_not_asked_for_again(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send", FailureStored("500"))
    for _ in range(2):
        assert checkout(shop).how is Ended.NOT_KNOWN_YET
    assert shop.billing_gateway.faults.calls.count("send") == 1


def test_a_page_that_is_over_is_said(shop: Shop) -> None:
    checkout(shop)
    sessions(shop)[0] |= {"status": "expired", "url": None}
    with pytest.raises(StateConflict):
        checkout(shop)
    set_row(shop, status=PaymentStatus.PAID)
    with pytest.raises(StateConflict):
        checkout(shop)


def test_a_cancel_closes_the_page_and_frees_the_order(shop: Shop) -> None:
    checkout(shop)
    changed = cancel(shop)
    assert changed.is_known
    assert shop.row.status is PaymentStatus.CANCELED
    assert sessions(shop)[0]["status"] == "expired"
    again = checkout(shop, wanted("key-2", items=(Item(price="price_b", quantity=4),)))
    assert again.how is Ended.MADE
    assert len(shop.tables.payments) == 2


def test_a_cancel_closes_the_page_although_its_intent_is_known(shop: Shop) -> None:
    """Stripe does not cancel the intent of a page that somebody may still pay on."""
    checkout(shop)
    set_row(shop, payment_intent_id="pi_1", status=PaymentStatus.FAILED)
    assert cancel(shop).is_known
    assert shop.row.status is PaymentStatus.CANCELED
    assert sessions(shop)[0]["status"] == "expired"


def test_a_page_that_was_paid_on_is_not_canceled(shop: Shop) -> None:
    checkout(shop)
    sessions(shop)[0] |= {"status": "complete", "url": None}
    with pytest.raises(StateConflict):
        cancel(shop)
    assert shop.row.status is PaymentStatus.PENDING


def test_a_page_that_has_expired_by_itself_is_canceled(shop: Shop) -> None:
    checkout(shop)
    sessions(shop)[0] |= {"status": "expired", "url": None}
    assert cancel(shop).payment.status is PaymentStatus.CANCELED
    assert checkout(shop, wanted("key-2")).how is Ended.MADE


def calls_of_a_whole_run() -> int:
    counting = Dying(at=-1, after=False)
    checkout(put_between(a_stocked_shop(), counting))
    return counting.calls


def put_between(shop: Shop, dying: Dying) -> Shop:
    """The same world, seen by a process that dies."""
    seen = Shop(clock=shop.clock, tables=shop.tables, telemetry=shop.telemetry)
    seen.calls, seen.catalogue = shop.calls, shop.catalogue
    for name in PORTS:
        setattr(seen, name, Between(getattr(shop, name), dying.around))
    return seen


CALLS = calls_of_a_whole_run()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
@pytest.mark.parametrize("key", ["key-1", "key-2"], ids=["same key", "another key"])
def test_after_a_crash_at_any_call_the_next_request_ends_it(at: int, after: bool, key: str) -> None:  # noqa: FBT001 - pytest gives it by name
    shop = a_stocked_shop()
    with pytest.raises(Crash):
        checkout(put_between(shop, Dying(at=at, after=after)))
    opened = checkout(put_between(shop, Dying(at=-1, after=False)), wanted(key))
    assert opened.url is not None
    assert_one_of_each(shop)
