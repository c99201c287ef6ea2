"""Every name that follows from a request is the same on a repeat, and no other's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.caller import Caller
from paidonce.domain.errors import Forbidden
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.money import Money
from paidonce.domain.payment_request import PaymentRequest, order_claim

CALLER = Caller(issuer="iss", subject="sub", user_id="sub", scopes=frozenset({"payments:write"}))
REQUEST = PaymentRequest(
    caller=CALLER, idempotency_key="k", body_hash="b", order_id="o", money=Money(1, "usd")
)


def test_a_repeat_finds_the_same_payment() -> None:
    again = replace(REQUEST, money=Money(2, "usd"), body_hash="other")
    assert again.payment_id == REQUEST.payment_id
    assert len(REQUEST.payment_id) == len("pay_") + 32


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, idempotency_key="l"),
        replace(REQUEST, caller=replace(CALLER, subject="other")),
        replace(REQUEST, caller=replace(CALLER, issuer="other")),
        replace(REQUEST, caller=replace(CALLER, issuer="iss2", subject="ub")),
    ],
)
def test_another_key_or_caller_is_another_payment(other: PaymentRequest) -> None:
    assert other.payment_id != REQUEST.payment_id


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (replace(REQUEST, idempotency_key="l", body_hash="c"), True),
        (replace(REQUEST, description="d", metadata={"a": "b"}), True),
        (replace(REQUEST, order_id="p"), False),
        (replace(REQUEST, money=Money(2, "usd")), False),
        (replace(REQUEST, money=Money(1, "eur")), False),
        (replace(REQUEST, user_id="u"), False),
        (replace(REQUEST, customer_id="cus_1"), False),
        (replace(REQUEST, capture="manual"), False),
    ],
)
def test_the_content_is_what_is_charged_to_whom_and_how(
    other: PaymentRequest,
    same: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    assert (other.content_hash == REQUEST.content_hash) is same


def test_a_note_cannot_take_the_place_of_a_mark() -> None:
    payment = replace(REQUEST, metadata={"paidonce_stage": "prod"}).recorded(
        stage="test", at="t", correlation_id="corr-1"
    )
    assert payment.creation.params["metadata"]["paidonce_stage"] == "test"


words = st.text(alphabet="ab#%23", max_size=4)


@given(words, words, words, words)
def test_two_orders_share_a_claim_only_when_they_are_one(
    owner: str, order: str, other_owner: str, other_order: str
) -> None:
    same = order_claim(owner=owner, order_id=order) == order_claim(
        owner=other_owner, order_id=other_order
    )
    assert same is ((owner, order) == (other_owner, other_order))


@given(st.lists(words), st.lists(words))
def test_two_fingerprints_are_the_same_only_for_the_same_parts(
    one: list[str], other: list[str]
) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) is (one == other)


def test_only_a_server_may_name_a_user() -> None:
    server = replace(CALLER, user_id=None, scopes=frozenset({"payments:any"}))
    assert server.user_for("anna") == "anna"
    assert server.user_for(None) is None
    assert CALLER.user_for(None) == "sub"
    with pytest.raises(Forbidden):
        CALLER.user_for("sub")


def test_what_belongs_to_nobody_is_seen_by_nobody_without_payments_any() -> None:
    program = replace(CALLER, user_id=None)
    assert not program.sees(None)
    assert not program.sees("sub")
    assert replace(program, scopes=frozenset({"payments:any"})).sees(None)
