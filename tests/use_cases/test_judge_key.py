"""Which keys are refused, with which sentence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain import permissions
from paidonce.domain.errors import RotationRefused
from paidonce.domain.permissions import (
    CHARGES,
    COUPONS,
    INTENTS,
    KEYS,
    PAYOUTS,
    PRODUCTS,
    reads,
    writes,
)
from paidonce.domain.restricted_key import wrong_form
from paidonce.use_cases.judge_key import Account, JudgeKey

from tests.fakes_keys import ACCOUNT, ONE, OTHER_ACCOUNT, TWO, FakeKey, FakeKeyProber

RIGHT = FakeKey(permissions.of_key("payments"))


def judge(prober: FakeKeyProber, *, account: str | None = None) -> JudgeKey:
    return JudgeKey(prober=prober, livemode=False, account=account)


def verdict(judging: JudgeKey, key: str, *, name: str = "payments", beside: str = "") -> Account:
    return judging(name, key, beside=beside, time_left=lambda: 60.0)


@pytest.mark.parametrize("name", KEYS)
def test_exactly_the_manifest_is_accepted(name: str) -> None:
    prober = FakeKeyProber({ONE: FakeKey(permissions.of_key(name))})
    assert verdict(judge(prober), ONE, name=name) is Account.NOT_PROVABLE


def test_too_few_and_too_many_permissions_are_named_as_the_dashboard_names_them() -> None:
    given_ = [p for p in RIGHT.permissions if p.row not in (INTENTS, PRODUCTS)]
    given_ += [*reads(INTENTS), *writes(PAYOUTS, COUPONS)]
    prober = FakeKeyProber({ONE: FakeKey(given_)})
    with pytest.raises(RotationRefused) as refusal:
        verdict(judge(prober), ONE)
    assert str(refusal.value) == (
        "keys/payments: the key lacks PaymentIntents: Write, Products: Read; "
        "the key may do what it must not, Payouts: Write, Coupons: Write"
    )


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("pk_test_" + "a" * 24, "publishable key"),
        ("sk_" + "test_" + "a" * 24, "secret key, which may do everything"),
        ("wh" + "sec_" + "a" * 24, "signing secret, not a key"),
        ("rk_" + "live_" + "a" * 24, "a key of live mode, and the stage is in test mode"),
        ("rk_test_short", "no restricted key"),
        ("garbage", "no restricted key"),
        ("", "no restricted key"),
        (f"{ONE}\n", "no restricted key"),
        (TWO, "Stripe does not know the key: it has expired"),
    ],
)
def test_what_is_no_key_of_the_stage_is_refused_without_being_shown(key: str, says: str) -> None:
    prober = FakeKeyProber({ONE: RIGHT})
    with pytest.raises(RotationRefused, match=says) as refusal:
        verdict(judge(prober), key)
    assert not key or key not in str(refusal.value)


@given(st.text(min_size=6, max_size=60))
def test_no_text_is_repeated_in_what_is_said_of_its_form(text: str) -> None:
    said = wrong_form(text, livemode=True)
    if said is not None and not text.isalpha() and text not in ("rk_live_", "rk_test_"):
        assert text.strip() not in said or len(text.strip()) < 6


def test_a_key_of_the_same_account_sees_what_the_key_in_use_sees() -> None:
    prober = FakeKeyProber({ONE: RIGHT, TWO: RIGHT}, objects={ACCOUNT: "pi_1"})
    assert verdict(judge(prober), TWO, beside=ONE) is Account.PROVEN


def test_a_key_of_another_account_is_refused() -> None:
    other = replace(RIGHT, account=OTHER_ACCOUNT)
    prober = FakeKeyProber({ONE: RIGHT, TWO: other}, objects={ACCOUNT: "pi_1"})
    with pytest.raises(RotationRefused, match=r"belongs to another account .* not know pi_1"):
        verdict(judge(prober), TWO, beside=ONE)
    with pytest.raises(RotationRefused, match="belongs to acct_other, and the stage to acct_ours"):
        verdict(judge(prober, account=ACCOUNT), TWO)
    assert verdict(judge(prober, account=ACCOUNT), ONE) is Account.PROVEN


@pytest.mark.parametrize("beside", ["", ONE, TWO, "dead"])
def test_on_an_empty_stage_the_account_cannot_be_proven(beside: str) -> None:
    prober = FakeKeyProber({ONE: RIGHT, TWO: RIGHT})
    assert verdict(judge(prober), ONE, beside=beside) is Account.NOT_PROVABLE


def test_a_key_that_may_refund_is_for_refunds_alone() -> None:
    prober = FakeKeyProber({ONE: FakeKey([*RIGHT.permissions, *writes(CHARGES)])})
    with pytest.raises(RotationRefused, match="must not, Charges and Refunds: Write"):
        verdict(judge(prober), ONE)
