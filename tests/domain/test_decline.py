"""Each decline code has a sentence for the shopper; none of them helps a thief."""

import pytest
from paidonce.domain import decline

GENERIC = "Your card was declined. Please try a different payment method."


def test_all_codes_of_stripes_page_have_a_sentence() -> None:
    assert len(decline._MESSAGES) >= 50
    for code in decline._MESSAGES:
        message = decline.message_for(code="card_declined", decline_code=code)
        assert message.endswith(".")
        assert code not in message


def test_insufficient_funds_says_exactly_this() -> None:
    assert decline.message_for(code="card_declined", decline_code="insufficient_funds") == (
        "Your card has insufficient funds. Please try a different payment method."
    )


@pytest.mark.parametrize(
    "code", ["fraudulent", "lost_card", "stolen_card", "merchant_blacklist", "pickup_card"]
)
def test_a_thief_learns_nothing(code: str) -> None:
    assert decline.message_for(code="card_declined", decline_code=code) == GENERIC


def test_an_unknown_code_and_none_at_all_are_generic() -> None:
    assert decline.message_for(code=None, decline_code=None) == GENERIC
    assert decline.message_for(code="card_declined", decline_code="new_in_2027") == GENERIC


def test_the_error_code_speaks_where_there_is_no_decline_code() -> None:
    assert "expired" in decline.message_for(code="expired_card", decline_code=None)
