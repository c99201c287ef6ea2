"""Changes of a subscription, and a process that dies around any call."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from paidonce.domain.entitlement import view_of
from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    FailureStored,
    IdempotencyConflict,
    NotFound,
    OutcomeUnknown,
    StateConflict,
)
from paidonce.domain.policy import Policy
from paidonce.domain.subscription import Line, changed_lines
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.change_subscription import Changed
from paidonce.use_cases.open_portal import Session
from paidonce.use_cases.subscribe import Subscribed

from tests.billing_examples import a_failed_invoice, with_payments
from tests.use_cases.a_billing import (
    CUSTOMER,
    DECLINED,
    a_caller,
    a_shop_with_a_customer,
    at_stripe,
    change,
    portal,
    subscribe,
    subscriptions,
)
from tests.use_cases.a_shop import Shop
from tests.use_cases.test_make_customer import put_between
from tests.use_cases.test_take_payment_crashes import Crash, Dying


@pytest.fixture
def shop() -> Shop:
    return a_shop_with_a_customer()


# --- changing -------------------------------------------------------------------------------------


def test_items_are_changed_by_their_ids() -> None:
    known = [Line(id="si_1", price="price_a"), Line(id="si_2", price="price_b", quantity=2)]
    assert changed_lines(known, [("price_b", 3), ("price_c", 1)]) == [
        {"id": "si_2", "quantity": 3},
        {"id": "si_1", "price": "price_c", "quantity": 1},
    ]
    assert changed_lines(known, [("price_b", 2)]) == [
        {"id": "si_2", "quantity": 2},
        {"id": "si_1", "deleted": True},
    ]
    assert changed_lines(known[:1], [("price_a", 1), ("price_c", 4)]) == [
        {"id": "si_1", "quantity": 1},
        {"price": "price_c", "quantity": 4},
    ]


def test_an_update_has_a_number_of_its_own(shop: Shop) -> None:
    subscribe(shop)
    changed = change(shop, lines=[("price_b", 1)])
    assert changed.how is Ended.MADE
    assert changed.subscription.view()["items"] == [{"price": "price_b", "quantity": 1}]
    row = changed.subscription
    assert shop.billing_gateway.keys[-1] == f"{row.id}_update_1"
    assert row.calls[0].params["proration_behavior"] == "create_prorations"
    again = change(shop, lines=[("price_b", 1)])
    assert (again.how, again.subscription) == (Ended.REPEATED, row)
    with pytest.raises(IdempotencyConflict):
        change(shop, lines=[("price_c", 1)])
    change(shop, "key-v", cancel_at_period_end=True)
    assert shop.billing_gateway.keys[-1] == f"{row.id}_update_2"
    assert change(shop, "key-w", cancel_at_period_end=False).how is Ended.MADE
    assert not subscriptions(shop)[0].cancel_at_period_end


def test_an_answer_that_shows_it_late_is_noted_with_the_reason(shop: Shop) -> None:
    """Its webhooks may come later: whoever is told that it is late is told why."""
    made = subscribe(shop).subscription
    assert made is not None
    failed = a_failed_invoice(customer=CUSTOMER)
    shop.stripe.objects[made.id] |= {"status": "past_due", "latest_invoice": failed}
    shop.stripe.objects["in_2"] = with_payments(failed, "do_not_honor")
    changed = change(shop, cancel_at_period_end=True).subscription
    assert (changed.status, changed.cancel_at_period_end) == ("past_due", True)
    assert changed.view()["last_error"]["decline_code"] == "do_not_honor"
    told = [e for row in shop.tables.rows.values() for e in row.domain_events]
    (late,) = [e for e in told if e.type == "subscription.past_due"]
    assert late.object["last_error"] == changed.view()["last_error"]


def test_a_lost_answer_to_an_update_is_ended_by_the_repeat(shop: Shop) -> None:
    subscribe(shop)
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert change(shop, lines=[("price_b", 1)]).how is Ended.NOT_KNOWN_YET
    assert change(shop, lines=[("price_b", 1)]).how is Ended.MADE
    (row,) = subscriptions(shop)
    assert [line.price for line in row.lines] == ["price_b"]
    assert row.calls_made == 1


@pytest.mark.parametrize("done", [True, False])
def test_behind_a_stored_failure_the_subscription_itself_tells(shop: Shop, done: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    subscribe(shop)
    fault = "send.after" if done else "send"
    shop.billing_gateway.faults.plan(fault, FailureStored("500"))
    ended = [change(shop, cancel_at_period_end=True).how for _ in range(3)]
    once = [Ended.NOT_KNOWN_YET, Ended.MADE, Ended.REPEATED]
    assert ended == (once if done else [Ended.NOT_KNOWN_YET, Ended.NOT_KNOWN_YET, Ended.MADE])
    (row,) = subscriptions(shop)
    assert row.cancel_at_period_end
    assert row.calls_made == (1 if done else 2)


def test_a_declined_update_is_told_again(shop: Shop) -> None:
    subscribe(shop)
    shop.billing_gateway.faults.plan("send", DECLINED)
    for _ in range(2):
        with pytest.raises(CardDeclined, match="insufficient funds"):
            change(shop, lines=[("price_b", 1)])
    assert shop.billing_gateway.faults.calls.count("send") == 2
    assert [line.price for line in subscriptions(shop)[0].lines] == ["price_a"]


def test_a_subscription_ends_now_and_a_second_delete_changes_nothing(shop: Shop) -> None:
    subscribe(shop)
    ended = change(shop, None, ends_now=True)
    assert (ended.how, ended.subscription.status) == (Ended.MADE, "canceled")
    again = change(shop, None, ends_now=True)
    assert (again.how, again.subscription) == (Ended.REPEATED, ended.subscription)
    assert shop.billing_gateway.faults.calls.count("send") == 2
    with pytest.raises(StateConflict):
        change(shop, cancel_at_period_end=False)


def test_a_lost_answer_to_a_delete_is_ended_by_the_repeat(shop: Shop) -> None:
    subscribe(shop)
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert change(shop, None, ends_now=True).how is Ended.NOT_KNOWN_YET
    assert subscriptions(shop)[0].status == "incomplete"
    assert change(shop, None, ends_now=True).subscription.status == "canceled"
    assert subscriptions(shop)[0].calls_made == 1


def test_it_may_end_with_its_period(shop: Shop) -> None:
    subscribe(shop)
    ended = change(shop, None, cancel_at_period_end=True)
    assert (ended.subscription.status, ended.subscription.cancel_at_period_end) == (
        "incomplete",
        True,
    )


def test_conflicts_are_met_by_reading_again(shop: Shop) -> None:
    subscribe(shop)
    shop.requests.faults.plan("save", ChangedMeanwhile("row"))
    shop.books.faults.plan("commit", *[ChangedMeanwhile("row")] * 2)
    assert change(shop, lines=[("price_b", 1)]).how is Ended.MADE


def test_calls_that_are_done_make_room(shop: Shop) -> None:
    subscribe(shop)
    for number in range(30):
        change(shop, f"key-{number}", cancel_at_period_end=number % 2 == 0)
    (row,) = subscriptions(shop)
    assert (len(row.calls), row.calls_made) == (20, 30)


def test_a_change_of_anothers_subscription_is_not_there(shop: Shop) -> None:
    subscribe(shop)
    with pytest.raises(NotFound):
        change(shop, caller=a_caller("bert"), cancel_at_period_end=True)
    server = a_caller("srv", "subscriptions:any")
    assert change(shop, caller=server, cancel_at_period_end=True).how is Ended.MADE


def test_what_an_answer_shows_is_told_as_the_api_shows_it(shop: Shop) -> None:
    """Its events come later and find nothing new."""
    subscribe(shop)
    row = change(shop, None, ends_now=True).subscription
    told = [event for entry in shop.tables.rows.values() for event in entry.domain_events]
    assert [(e.version, e.type) for e in told] == [
        (1, "subscription.changed"),
        (row.version, "subscription.ended"),
    ]
    assert told[-1].object == view_of(row, policy=Policy(), now=shop.clock.now())


def test_an_answer_that_may_be_older_than_the_row_is_not_believed(shop: Shop) -> None:
    """A webhook of the same second came first: the subscription itself is looked at then."""
    made = subscribe(shop).subscription
    assert made is not None

    def webhook() -> None:
        (row,) = subscriptions(shop)
        shop.stripe.objects[row.id]["status"] = "active"
        at = int(shop.clock.now())
        newer = replace(row, status="active", as_of_from=at, as_of=at).written(at="now")
        shop.tables.put(newer)

    shop.books.faults.before("commit", webhook)
    changed = change(shop, cancel_at_period_end=True).subscription
    assert (changed.status, changed.cancel_at_period_end) == ("active", True)


# --- crashes --------------------------------------------------------------------------------------

STORIES: dict[str, Callable[[Shop], Session | Subscribed | Changed]] = {
    "portal": portal,
    "subscribe": subscribe,
    "update": lambda shop: change(shop, lines=[("price_b", 1)]),
    "end": lambda shop: change(shop, None, ends_now=True),
}


def a_world(story: str) -> Shop:
    shop = a_shop_with_a_customer()
    if story in ("update", "end"):
        subscribe(shop)
    return shop


def calls_of(story: str) -> int:
    counting = Dying(at=-1, after=False)
    STORIES[story](put_between(a_world(story), counting.around))
    return counting.calls


POINTS = [
    (story, at, after)
    for story in STORIES
    for at in range(1, calls_of(story) + 1)
    for after in (False, True)
]


@pytest.mark.parametrize(("story", "at", "after"), POINTS)
def test_after_a_crash_at_any_call_the_next_request_ends_it(
    story: str,
    at: int,
    after: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    shop = a_world(story)
    with pytest.raises(Crash):
        STORIES[story](put_between(shop, Dying(at=at, after=after).around))
    ended = STORIES[story](put_between(shop, Dying(at=-1, after=False).around))
    assert ended.how in (Ended.MADE, Ended.REPEATED)
    if story == "portal":
        assert len(at_stripe(shop, "billing_portal.session")) == 1
    else:
        (row,) = subscriptions(shop)
        assert len(at_stripe(shop, "subscription")) == 1
        assert row.calls_made == (0 if story == "subscribe" else 1)
        assert row.status == ("canceled" if story == "end" else "incomplete")
        assert row.lines[0].price == ("price_b" if story == "update" else "price_a")
