"""Portal sessions and subscriptions: record first, call second, note third."""

import pytest
from paidonce.domain.entitlement import is_entitled
from paidonce.domain.errors import (
    CardDeclined,
    IdempotencyConflict,
    NotFound,
    OutcomeUnknown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.policy import Policy
from paidonce.use_cases.carry_out import Ended
from paidonce.use_cases.open_portal import Session
from paidonce.use_cases.subscribe import Subscribed
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

from tests.use_cases.a_billing import (
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


@pytest.fixture
def shop() -> Shop:
    return a_shop_with_a_customer()


# --- portal ---------------------------------------------------------------------------------------


def test_a_portal_session_is_opened_and_its_address_kept_nowhere(shop: Shop) -> None:
    session = portal(shop)
    assert session.how is Ended.MADE
    assert session.url == "https://portal.test/bps_fake000001_url"
    again = portal(shop)
    assert (again.how, again.url) == (Ended.REPEATED, session.url)
    assert len(at_stripe(shop, "billing_portal.session")) == 1
    told = f"{shop.tables} {shop.telemetry.facts} {shop.telemetry.faults}"
    assert "portal.test" not in told


def test_an_old_session_is_not_shown_again(shop: Shop) -> None:
    portal(shop)
    shop.clock.advance(KEY_IS_FRESH_SECONDS)
    with pytest.raises(StateConflict):
        portal(shop)


def test_another_return_address_under_the_same_key_is_a_conflict(shop: Shop) -> None:
    portal(shop)
    with pytest.raises(IdempotencyConflict):
        portal(shop, return_url="https://other.test/")


def test_anothers_customer_is_not_there(shop: Shop) -> None:
    for verb in (portal, subscribe):
        with pytest.raises(NotFound):
            verb(shop, caller=a_caller("bert"))
    assert portal(shop, "k-1", caller=a_caller("srv", "customers:any")).url
    with pytest.raises(NotFound):
        portal(shop, "k-2", caller=a_caller("srv", "subscriptions:any"))
    assert subscribe(shop, "k-3", caller=a_caller("srv", "subscriptions:any")).subscription


def test_an_unknown_portal_session_is_opened_by_a_repeat(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send.after", OutcomeUnknown("lost"))
    assert portal(shop) == Session(how=Ended.NOT_KNOWN_YET)
    assert portal(shop).url is not None
    assert len(at_stripe(shop, "billing_portal.session")) == 1


# --- subscribing ----------------------------------------------------------------------------------


def test_a_subscription_waits_for_its_first_payment(shop: Shop) -> None:
    made = subscribe(shop)
    (row,) = subscriptions(shop)
    assert made.how is Ended.MADE
    assert made.client_secret == f"pi_{row.id}_secret_x"
    assert made.subscription == row
    assert (row.status, row.user_id) == ("incomplete", "anna")
    assert not is_entitled(Policy(), row, now=shop.clock.now())
    (found,) = at_stripe(shop, "subscription")
    assert found["metadata"]["paidonce_user"] == "anna"
    (request,) = [o for o in shop.tables.others.values() if o.id.startswith("req_")]
    assert shop.billing_gateway.keys == [f"{request.id}_a1"]
    assert list(shop.tables.rows) == [f"answer#{request.id}_a1"]


def test_a_trial_is_in_use_at_once_and_sets_the_card_up(shop: Shop) -> None:
    made = subscribe(shop, trial_days=7)
    assert made.subscription is not None
    assert is_entitled(Policy(), made.subscription, now=shop.clock.now())
    assert made.subscription.view()["trial_end"] is not None
    assert (made.client_secret or "").startswith("seti_")


def test_a_repeat_reads_the_secret_and_another_key_is_another_subscription(shop: Shop) -> None:
    first = subscribe(shop)
    again = subscribe(shop)
    assert (again.how, again.client_secret) == (Ended.REPEATED, first.client_secret)
    assert len(at_stripe(shop, "subscription")) == 1
    subscribe(shop, "key-2")
    assert len(at_stripe(shop, "subscription")) == 2


def test_a_card_that_was_declined_is_told_again_and_not_tried_again(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send", DECLINED)
    for _ in range(2):
        with pytest.raises(CardDeclined, match="insufficient funds"):
            subscribe(shop)
    assert shop.billing_gateway.faults.calls.count("send") == 1


def test_a_subscription_that_stripe_calls_wrong_may_be_asked_again(shop: Shop) -> None:
    shop.billing_gateway.faults.plan("send", StripeRefused("no such price"))
    with pytest.raises(StripeRefused):
        subscribe(shop)
    assert subscribe(shop).how is Ended.MADE


def test_an_unreadable_secret_is_not_known_yet(shop: Shop) -> None:
    subscribe(shop)
    shop.billing_gateway.faults.plan("get", TryAgain("away"))
    assert subscribe(shop) == Subscribed(how=Ended.NOT_KNOWN_YET)


def test_no_secret_is_stored_or_logged(shop: Shop) -> None:
    subscribe(shop)
    subscribe(shop)
    change(shop, cancel_at_period_end=True)
    assert "_secret_" not in f"{shop.tables} {shop.telemetry.facts} {shop.telemetry.faults}"
