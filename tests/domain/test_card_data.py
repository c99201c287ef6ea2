"""What looks like a card is found wherever it hides, and little else is taken for one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.card_data import card_paths, holds_card_number

# Stripe's test numbers, one of each length and brand (https://docs.stripe.com/testing).
CARDS = [
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6205500000000000004",
    "4222222222222",
]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_found_however_it_is_written(card: str) -> None:
    fours = [card[i : i + 4] for i in range(0, len(card), 4)]
    for text in (
        card,
        " ".join(fours),
        "-".join(fours),
        "\u2011".join(fours),
        f"pay with {card}, please",
        f"{' '.join(fours)} 12/27 123",
        f"order{card}",
        "".join(chr(0xFF10 + int(digit)) for digit in card),
        "".join(chr(0x0660 + int(digit)) for digit in card),
    ):
        assert holds_card_number(text), text


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "424242424242",
        "42424242424242424242",
        "1732270000001",
        "2026-11-22T11:24:00.000Z",
        "550e8400-e29b-41d4-a716-446655440000",
        "+49 30 901820",
        "order-17",
        "",
    ],
)
def test_other_numbers_are_let_through(text: str) -> None:
    assert not holds_card_number(text)


@given(st.integers(10**12, 2 * 10**12 - 1))
def test_a_clock_reading_in_milliseconds_is_no_card(milliseconds: int) -> None:
    assert not holds_card_number(str(milliseconds))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"order_id": 4242424242424242}, ("order_id",)),
        ({"order_id": 4242424242424242.0}, ("order_id",)),
        ({"a": {"b": ["x", {"c": "4242 4242 4242 4242"}]}}, ("a", "b", "1", "c")),
        ({"4242424242424242": 1}, ("4242424242424242",)),
        ({"number": "x"}, ("number",)),
        ({"Card-Number": "x"}, ("Card-Number",)),
        ({"metadata": {"CVC": 123}}, ("metadata", "CVC")),
        ({"payment_method": {"card": {}}}, ("payment_method", "card")),
        ("4242424242424242", ()),
    ],
)
def test_a_card_is_found_at_any_depth_and_under_its_own_names(
    document: object, path: tuple[str, ...]
) -> None:
    assert list(card_paths(document)) == [path]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=30)
@given(JSON)
def test_any_document_can_be_looked_through(document: object) -> None:
    for path in card_paths(document):
        found: Any = document
        for step in path:
            found = found[int(step)] if isinstance(found, list) else found[step]
        alone = {path[-1]: found} if path else found
        assert next(card_paths(alone), None) is not None


@settings(max_examples=30)
@given(JSON, st.sampled_from(CARDS))
def test_a_card_beside_anything_is_found(document: object, card: str) -> None:
    assert list(card_paths({"x": document, "y": card}))
