"""Money is a whole number of minor units and a currency."""

import pytest
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.money import Money


@pytest.mark.parametrize("minor", [0, -1, 100_000_000, True, 1.0, "5"])
def test_an_amount_that_cannot_be_charged_cannot_be_built(minor: int) -> None:
    with pytest.raises(InvalidRequest) as error:
        Money(minor, "usd")
    assert list(error.value.fields) == ["amount_minor"]


@pytest.mark.parametrize("currency", ["", "US", "USD", "u$d", "üsd", "usdx"])
def test_a_currency_is_three_lower_case_letters(currency: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        Money(1, currency)
    assert list(error.value.fields) == ["currency"]


def test_the_bounds_are_money() -> None:
    assert Money(1, "jpy").minor == 1
    assert Money(99_999_999, "usd").minor == 99_999_999
