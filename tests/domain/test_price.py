"""What a payment of items comes to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.currency import CURRENCIES
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.money import AMOUNT_MINOR_MAX, Money
from paidonce.domain.price import ITEMS_MAX, QUANTITY_MAX, Item, Offer, Price, Product, total_of

from tests.fakes_catalogue import a_price, a_product, every


def an_offer(product: dict[str, Any] | None = None, **changes: Any) -> Offer:
    return Offer(
        price=Price.from_stripe(a_price(**changes)),
        product=Product.from_stripe(product or a_product()),
    )


OFFERS: dict[str, Offer | None] = {
    "tea": an_offer(),
    "cup": an_offer(unit_amount=1250),
    "free": an_offer(unit_amount=0),
    "penny": an_offer(unit_amount=1),
    "gold": an_offer(unit_amount=AMOUNT_MINOR_MAX),
    "yen": an_offer(currency="jpy", unit_amount=500),
    "dinar": an_offer(currency="kwd", unit_amount=1005),
    "coin": an_offer(currency="xxx"),
    "old": an_offer(active=False),
    "gone": an_offer(a_product(active=False)),
    "monthly": an_offer(recurring=every("month"), type="recurring"),
    "tiers": an_offer(unit_amount=None, billing_scheme="tiered"),
    "donation": an_offer(unit_amount=None, custom_unit_amount={"minimum": 100}),
    "half a cent": an_offer(unit_amount=None, unit_amount_decimal="0.5"),
    "package": an_offer(transform_quantity={"divide_by": 12, "round": "up"}),
    "unknown": None,
}


def total(*items: tuple[str, int]) -> Money:
    return total_of([Item(price=price, quantity=n) for price, n in items], OFFERS)


def test_the_sum_of_amounts_times_quantities() -> None:
    assert total(("tea", 2), ("cup", 1), ("free", 7), ("tea", 1)) == Money(2750, "usd")
    assert total(("yen", 3)) == Money(1500, "jpy")


@pytest.mark.parametrize(
    "price",
    ["old", "gone", "monthly", "tiers", "donation", "half a cent", "package", "unknown", "yen"],
)
def test_a_price_that_cannot_be_charged_is_named_by_its_place(price: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        total(("tea", 1), (price, 1), ("cup", 1))
    assert set(raised.value.fields) == {"items.1.price"}


def test_all_wrong_prices_are_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as raised:
        total(("unknown", 1), ("tea", 1), ("old", 1), ("yen", 1))
    assert set(raised.value.fields) == {"items.0.price", "items.2.price", "items.3.price"}


@pytest.mark.parametrize(
    "items",
    [
        [("gold", 2)],
        [("gold", 1), ("penny", 1)],
        [("free", 3)],
        [("penny", 49)],
        [("dinar", 1)],
        [("coin", 1)],
    ],
)
def test_a_sum_that_cannot_be_charged_is_the_matter_of_all_items(
    items: list[tuple[str, int]],
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        total(*items)
    assert set(raised.value.fields) == {"items"}


CARTS = st.lists(
    st.tuples(st.integers(0, AMOUNT_MINOR_MAX), st.integers(1, QUANTITY_MAX)),
    min_size=1,
    max_size=ITEMS_MAX,
)


@given(cart=CARTS, currency=st.sampled_from(sorted(CURRENCIES)))
def test_any_cart_is_charged_exactly_or_refused(cart: list[tuple[int, int]], currency: str) -> None:
    offers: dict[str, Offer | None] = {
        f"price_{number}": an_offer(id=f"price_{number}", unit_amount=minor, currency=currency)
        for number, (minor, _) in enumerate(cart)
    }
    items = [
        Item(price=f"price_{number}", quantity=quantity)
        for number, (_, quantity) in enumerate(cart)
    ]
    minor, rules = sum(m * q for m, q in cart), CURRENCIES[currency]
    fits = rules.least <= minor <= AMOUNT_MINOR_MAX and minor % rules.step == 0
    if fits:
        assert total_of(items, offers) == Money(minor, currency)
        return
    with pytest.raises(InvalidRequest) as raised:
        total_of(items, offers)
    assert set(raised.value.fields) == {"items"}
