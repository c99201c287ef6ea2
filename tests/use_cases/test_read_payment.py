"""Payments are shown to those who may see them, and nobody else learns that they are there."""

from dataclasses import replace

import pytest
from paidonce.domain.errors import Forbidden, NotFound, OutcomeUnknown, StateConflict
from paidonce.domain.payment import PaymentStatus

from tests.use_cases.a_shop import Shop, a_caller, a_request

SERVER = a_caller("server", "payments:any", user_id=None)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.take(a_request())
    return shop


def test_the_callers_own_payment_is_shown(shop: Shop) -> None:
    assert shop.read_payment.one(shop.row.id, caller=a_caller()) == shop.row
    assert shop.read_payment.one(shop.row.id, caller=SERVER) == shop.row


def test_another_callers_payment_is_not_there(shop: Shop) -> None:
    for caller in (a_caller("user-2"), a_caller("program", user_id=None)):
        with pytest.raises(NotFound):
            shop.read_payment.one(shop.row.id, caller=caller)
        with pytest.raises(NotFound):
            shop.read_payment.client_secret(
                shop.row.id, caller=caller, time_left=shop.clock.time_left(9)
            )
        assert shop.read_payment.of_order("order-1", caller=caller) == ()


def test_nothing_but_payments_can_be_named(shop: Shop) -> None:
    for name in ("order#user-1#order-1", shop.row.payment_intent_id or "", "", "pay_unknown"):
        with pytest.raises(NotFound):
            shop.read_payment.one(name, caller=a_caller())
    assert shop.payments.faults.calls.count("get") == 1


def test_a_payment_of_nobody_is_seen_by_a_server_alone() -> None:
    shop = Shop()
    shop.take(a_request(caller=SERVER, user_id=None))
    assert shop.row.user_id is None
    assert shop.read_payment.of_order("order-1", caller=SERVER) == (shop.row,)
    with pytest.raises(NotFound):
        shop.read_payment.one(shop.row.id, caller=a_caller("program", user_id=None))


def test_an_orders_payment_is_found_for_its_user_only(shop: Shop) -> None:
    read = shop.read_payment.of_order
    assert read("order-1", caller=a_caller()) == (shop.row,)
    assert read("order-2", caller=a_caller()) == ()
    assert read("order-1", caller=SERVER) == ()
    assert read("order-1", caller=SERVER, user_id="user-1") == (shop.row,)
    with pytest.raises(Forbidden):
        read("order-1", caller=a_caller("user-2"), user_id="user-1")


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a#b", "c"), ("a", "b#c")), (("a%23b", "c"), ("a#b", "c")), (("a", "%"), ("a%", ""))],
)
def test_no_two_orders_share_a_claim(one: tuple[str, str], other: tuple[str, str]) -> None:
    claims = {a_request(user_id=user, order_id=order).claim_id for user, order in (one, other)}
    assert len(claims) == 2


@pytest.mark.parametrize(
    "status", [PaymentStatus.PAID, PaymentStatus.CANCELED, PaymentStatus.AUTHORIZED]
)
def test_a_secret_is_given_only_while_the_payment_is_open(
    shop: Shop, status: PaymentStatus
) -> None:
    def secret() -> str:
        return shop.read_payment.client_secret(
            shop.row.id, caller=a_caller(), time_left=shop.clock.time_left(9)
        )

    assert secret() == shop.intents[0]["client_secret"]
    shop.tables.payments[shop.row.id] = replace(shop.row, status=status)
    with pytest.raises(StateConflict):
        secret()


def test_a_payment_without_an_intent_has_no_secret_yet() -> None:
    shop = Shop()
    shop.gateway.faults.plan("create_intent", OutcomeUnknown("no answer"))
    shop.take(a_request())
    with pytest.raises(StateConflict):
        shop.read_payment.client_secret(
            shop.row.id, caller=a_caller(), time_left=shop.clock.time_left(9)
        )


def test_an_intent_that_is_answered_without_a_secret_is_not_known(shop: Shop) -> None:
    shop.intents[0]["client_secret"] = None
    with pytest.raises(OutcomeUnknown):
        shop.read_payment.client_secret(
            shop.row.id, caller=a_caller(), time_left=shop.clock.time_left(9)
        )
