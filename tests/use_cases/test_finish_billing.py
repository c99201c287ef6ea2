"""Customers and subscriptions without an answer are ended by run_operation, with no caller."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from paidonce.domain.customer import Customer
from paidonce.domain.errors import (
    CardDeclined,
    FailureStored,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.operation import Operation
from paidonce.domain.request import Request
from paidonce.domain.stripe_call import CallState
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.finish_billing import FinishBilling
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

from tests.use_cases.a_billing import (
    DECLINED,
    a_shop_with_a_customer,
    at_stripe,
    change,
    portal,
    subscribe,
    subscriptions,
)
from tests.use_cases.a_shop import Shop
from tests.use_cases.operations import Runner
from tests.use_cases.test_make_customer import a_request, make


@dataclass(frozen=True)
class Story:
    """Something asked; `begin` makes the world that it needs."""

    begin: Callable[[], Shop]
    ask: Callable[[Shop], Ended]
    kind: str


def a_subscribed_shop() -> Shop:
    shop = a_shop_with_a_customer()
    subscribe(shop)
    shop.tables.rows.clear()
    shop.billing_gateway.keys.clear()
    return shop


STORIES = {
    "customer": Story(Shop, lambda shop: make(shop, a_request()).how, "customer"),
    "subscribe": Story(a_shop_with_a_customer, lambda shop: subscribe(shop).how, "subscription"),
    "update": Story(
        a_subscribed_shop, lambda shop: change(shop, lines=[("price_b", 1)]).how, "subscription"
    ),
    "later": Story(
        a_subscribed_shop,
        lambda shop: change(shop, None, cancel_at_period_end=True).how,
        "subscription",
    ),
    "end": Story(
        a_subscribed_shop, lambda shop: change(shop, None, ends_now=True).how, "subscription"
    ),
}
NAMES = tuple(STORIES)
CHANGES = ("update", "later")
each = pytest.mark.parametrize("name", NAMES)
lost = pytest.mark.parametrize("fault", ["send", "send.after"])


def a_runner(shop: Shop) -> Runner:
    runner = Runner(shop)
    runner.finish_others = FinishBilling.over(shop.carry_out).finish
    return runner


def without_an_answer(name: str, fault: str, error: TryAgain | None = None) -> Runner:
    """The story's call has no answer; its operation is queued."""
    shop = STORIES[name].begin()
    shop.billing_gateway.faults.plan(fault, error or OutcomeUnknown("lost"))
    assert STORIES[name].ask(shop) is Ended.NOT_KNOWN_YET
    return a_runner(shop)


def assert_ended_once(shop: Shop, name: str, *, rows: int = 1) -> None:
    (found,) = at_stripe(shop, STORIES[name].kind)
    assert len(shop.tables.rows) == rows
    assert all(row.outcome.is_final for row in shop.tables.rows.values())
    requests = [o for o in shop.tables.others.values() if isinstance(o, Request)]
    assert {r.call.state for r in requests} == {CallState.DONE}
    if name == "customer":
        (customer,) = [o for o in shop.tables.others.values() if isinstance(o, Customer)]
        assert customer.id == found["id"]
        return
    (row,) = subscriptions(shop)
    assert row.id == found["id"]
    assert row.status == ("canceled" if name == "end" else "incomplete")
    assert [line.price for line in row.lines] == ["price_b" if name == "update" else "price_a"]
    assert row.cancel_at_period_end is (name == "later")
    assert CallState.OPEN not in {call.state for call in row.calls}


def assert_known_to_the_caller(shop: Shop, name: str) -> None:
    """A repeat finds it ended; a DELETE at the period's end has no key, and asks once more."""
    asked = shop.billing_gateway.faults.calls.count("send")
    is_new = name == "later"
    assert STORIES[name].ask(shop) is (Ended.MADE if is_new else Ended.REPEATED)
    assert shop.billing_gateway.faults.calls.count("send") == asked + is_new


@each
@lost
def test_what_has_no_answer_is_ended_with_no_caller(name: str, fault: str) -> None:
    runner = without_an_answer(name, fault)
    shop = runner.shop
    (operation,) = shop.operations.put_in
    assert operation.aggregate_id.startswith(
        "sub_" if name in ("later", "update", "end") else "req"
    )
    assert shop.telemetry.counts["RequestsOutcomeUnknown"] == 1
    runner.drain()
    assert_ended_once(shop, name)
    assert len({*shop.billing_gateway.keys}) <= 1
    assert list(shop.tables.rows) == [f"answer#{operation.call}"]
    assert shop.telemetry.counts["OperationsEnded"] == 1
    assert_known_to_the_caller(shop, name)


@each
def test_the_same_message_again_changes_nothing(name: str) -> None:
    runner = without_an_answer(name, "send.after")
    shop = runner.shop
    (operation,) = shop.operations.put_in
    runner.drain()
    stands = (dict(shop.tables.rows), dict(shop.tables.others), dict(shop.stripe.objects))
    asked = len(shop.billing_gateway.faults.calls)
    assert runner.runs(operation)
    assert a_runner(shop).runs(operation)  # the lease has expired
    assert (shop.tables.rows, shop.tables.others, shop.stripe.objects) == stands
    assert len(shop.billing_gateway.faults.calls) == asked
    assert not shop.operations.put_in


@each
def test_what_the_caller_has_ended_needs_no_call(name: str) -> None:
    runner = without_an_answer(name, "send.after")
    assert STORIES[name].ask(runner.shop) is Ended.MADE
    asked = len(runner.shop.billing_gateway.faults.calls)
    runner.drain()
    assert_ended_once(runner.shop, name)
    assert len(runner.shop.billing_gateway.faults.calls) == asked


@each
@lost
def test_a_stored_failure_is_followed_by_what_stripe_shows(name: str, fault: str) -> None:
    runner = without_an_answer(name, fault, FailureStored("500"))
    runner.drain()
    # Where nothing was made, the first key's row says so, and the next key has its own.
    anew = fault == "send" and name != "end"
    assert_ended_once(runner.shop, name, rows=2 if anew else 1)
    assert len(runner.shop.billing_gateway.keys) == (0 if name == "end" else 1)


@each
def test_a_key_that_stripe_may_have_forgotten_is_not_sent(name: str) -> None:
    runner = without_an_answer(name, "send.after")
    sent = list(runner.shop.billing_gateway.keys)
    runner.shop.stripe.made.clear()
    runner.shop.clock.advance(KEY_IS_FRESH_SECONDS)
    runner.drain()
    assert_ended_once(runner.shop, name)
    assert runner.shop.billing_gateway.keys == sent


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
@pytest.mark.parametrize("why", ["old", "spent"])
def test_a_subscription_that_has_ended_meanwhile_is_found_and_not_made_again(
    status: str, why: str
) -> None:
    """Stripe's list leaves it out unless it is asked for all: that proved that none was made."""
    error = FailureStored("500") if why == "spent" else OutcomeUnknown("lost")
    runner = without_an_answer("subscribe", "send.after", error)
    shop = runner.shop
    (made,) = at_stripe(shop, "subscription")
    made["status"] = status
    if why == "old":
        shop.clock.advance(KEY_IS_FRESH_SECONDS)
    runner.drain()
    assert at_stripe(shop, "subscription") == [made]
    (row,) = subscriptions(shop)
    assert (row.id, row.status) == (made["id"], status)
    assert len(shop.billing_gateway.keys) == 1


@each
@pytest.mark.parametrize("error", [KeyRefused("401", http_status=401), NotConfigured("gone")])
def test_a_key_that_is_refused_in_mid_call_leaves_it_to_run_operation(
    name: str, error: TryAgain
) -> None:
    shop = STORIES[name].begin()
    shop.billing_gateway.faults.plan("send", error)
    with pytest.raises(type(error)):
        STORIES[name].ask(shop)
    shop.billing_gateway.faults.plan("send", error)
    a_runner(shop).drain()
    assert_ended_once(shop, name)


@each
def test_where_not_even_the_queue_is_sure_the_caller_must_ask_again(name: str) -> None:
    shop = STORIES[name].begin()
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    shop.operations.faults.plan("put", TryAgain("full"))
    with pytest.raises(OutcomeUnknown):
        STORIES[name].ask(shop)
    assert STORIES[name].ask(shop) is Ended.MADE


@each
@pytest.mark.parametrize("error", [DECLINED, StripeRefused("no", stripe_code="odd")])
def test_a_refusal_is_an_end(name: str, error: CardDeclined | StripeRefused) -> None:
    runner = without_an_answer(name, "send")
    shop = runner.shop
    shop.billing_gateway.faults.plan("send", error)
    runner.drain()
    (row,) = shop.tables.rows.values()
    assert (row.outcome.is_final, row.reason) == (True, error.code)
    assert shop.telemetry.counts["DeadEvents"] == 0
    asked = shop.billing_gateway.faults.calls.count("send")
    assert asked == (2 if name in ("customer", "subscribe") else 3)


@pytest.mark.parametrize("name", CHANGES)
def test_an_older_wish_is_not_made_anew_over_a_newer_one(name: str) -> None:
    runner = without_an_answer(name, "send", FailureStored("500"))
    shop = runner.shop
    change(shop, "key-newer", lines=[("price_c", 3)], cancel_at_period_end=False)
    sent = list(shop.billing_gateway.keys)
    runner.drain()
    (row,) = subscriptions(shop)
    assert [(line.price, line.quantity) for line in row.lines] == [("price_c", 3)]
    assert not row.cancel_at_period_end
    assert shop.billing_gateway.keys == sent
    assert {r.outcome.is_final for r in shop.tables.rows.values()} == {True}


@pytest.mark.parametrize("name", ["customer", "subscribe", *CHANGES])
def test_a_next_key_that_cannot_be_queued_comes_again(name: str) -> None:
    runner = without_an_answer(name, "send", FailureStored("500"))
    shop = runner.shop
    (operation,) = shop.operations.put_in
    shop.operations.put_in.clear()
    shop.clock.advance(15 * 60)
    if name not in CHANGES:
        shop.billing_gateway.faults.plan("send", OutcomeUnknown("lost"))
    shop.operations.faults.plan("put", TryAgain("full"))
    assert not runner.runs(operation)
    assert runner.runs(operation, receive_count=5)
    runner.drain()
    assert_ended_once(shop, name, rows=2)


def test_a_portal_session_is_left_to_its_caller() -> None:
    shop = a_shop_with_a_customer()
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert portal(shop).how is Ended.NOT_KNOWN_YET
    assert not shop.operations.put_in
    (request,) = [o for o in shop.tables.others.values() if isinstance(o, Request)]
    operation = Operation(aggregate_id=request.id, call=request.call.idempotency_key)
    assert not a_runner(shop).runs(operation)


def test_an_operation_whose_row_is_not_there_waits() -> None:
    for aggregate in ("req_none", "sub_none"):
        runner = a_runner(Shop())
        assert runner.runs(Operation(aggregate_id=aggregate, call="a_call"))
        (sent,) = runner.queue.copies
        assert sent.attributes["wait_reason"] == "not_yet_known"
