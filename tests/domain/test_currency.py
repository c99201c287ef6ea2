"""What can be charged, in the minor units of Stripe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.currency import CURRENCIES, chargeable
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.money import AMOUNT_MINOR_MAX, Money


@pytest.mark.parametrize(
    ("minor", "currency"),
    [(50, "usd"), (30, "gbp"), (50, "jpy"), (17500, "huf"), (10, "kwd"), (100, "isk"), (1, "all")],
)
def test_the_least_amount_can_be_charged(minor: int, currency: str) -> None:
    assert chargeable(minor, currency) == Money(minor, currency)
    assert CURRENCIES[currency].least == minor
    with pytest.raises(InvalidRequest) as refused:
        chargeable(minor - 1, currency)
    assert set(refused.value.fields) == {"amount_minor"}


@pytest.mark.parametrize("currency", ["xxx", "USD", "", "us", "usdd", "btc", "bgn", "usd "])
def test_a_currency_that_stripe_does_not_charge_in_is_refused(currency: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        chargeable(1000, currency)
    assert set(refused.value.fields) == {"currency"}


@pytest.mark.parametrize(("minor", "currency"), [(1005, "kwd"), (150, "isk"), (1001, "ugx")])
def test_digits_that_no_coin_has_are_refused(minor: int, currency: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        chargeable(minor, currency)
    assert "multiple" in refused.value.fields["amount_minor"]


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(-(10**12), 10**12))
def test_what_is_chargeable_is_within_every_limit(currency: str, minor: int) -> None:
    rules = CURRENCIES[currency]
    fits = rules.least <= minor <= AMOUNT_MINOR_MAX and minor % rules.step == 0
    try:
        assert chargeable(minor, currency).minor == minor
        assert fits
    except InvalidRequest:
        assert not fits


def test_there_are_about_as_many_currencies_as_stripe_says() -> None:
    """Stripe says "more than 135": https://docs.stripe.com/currencies."""
    assert len(CURRENCIES) >= 135
    assert all(len(code) == 3 and code.isascii() and code.islower() for code in CURRENCIES)
    assert CURRENCIES["jpy"].exponent == 0
    assert CURRENCIES["kwd"].exponent == 3
