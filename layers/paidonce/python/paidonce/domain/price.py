"""What things cost: prices as Stripe holds them, and what a payment of several comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paidonce.domain.currency import CURRENCIES
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.money import AMOUNT_MINOR_MAX, Money

QUANTITY_MAX = 999
# Stripe takes as many lines in one subscription; a cart with more is a wholesaler's.
ITEMS_MAX = 20

NOT_KNOWN = "is not a known price"

# Names of entries of the catalogue (`Catalogue`): each can be outdated on its own.
ACTIVE_PRICES = "prices#active"


def price_entry(price_id: str) -> str:
    """The entry that holds a price."""
    return f"price#{price_id}"


def product_entry(product_id: str) -> str:
    """The entry that holds a product."""
    return f"product#{product_id}"


@dataclass(frozen=True, kw_only=True)
class Item:
    """So many of one price. `quantity` is 1 to 999."""

    price: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product of Stripe's, as far as it matters here."""

    id: str
    name: str
    is_active: bool

    @classmethod
    def from_stripe(cls, found: Mapping[str, Any]) -> "Product":
        """https://docs.stripe.com/api/products/object."""
        return cls(id=found["id"], name=found["name"], is_active=found["active"])


@dataclass(frozen=True, kw_only=True)
class Price:
    """A price of Stripe's. `interval` is `month`, `year`, …, or None for one that is paid once.

    `amount_minor` is None where no whole number of minor units is the price of one: tiers, amounts
    that the customer names, parts of a cent, packages.
    """

    id: str
    product_id: str
    amount_minor: int | None
    currency: str
    interval: str | None
    is_active: bool

    @classmethod
    def from_stripe(cls, found: Mapping[str, Any]) -> "Price":
        """https://docs.stripe.com/api/prices/object; its product expanded or not."""
        product = found["product"]
        is_plain = found.get("billing_scheme") == "per_unit" and not found.get("transform_quantity")
        recurring = found.get("recurring")
        return cls(
            id=found["id"],
            product_id=product["id"] if isinstance(product, Mapping) else product,
            amount_minor=found.get("unit_amount") if is_plain else None,
            currency=found["currency"],
            interval=recurring["interval"] if recurring else None,
            is_active=found["active"],
        )

    def shown(self, product: Product) -> dict[str, Any]:
        """The price as the API shows it (api.md section 1)."""
        return {
            "id": self.id,
            "product": product.id,
            "name": product.name,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "interval": self.interval,
        }


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A price with its product, when both are known."""

    price: Price
    product: Product

    @property
    def what_is_wrong(self) -> str | None:
        """Why this cannot be paid once, in words for the caller; None when it can."""
        if not (self.price.is_active and self.product.is_active):
            return "is not sold any more"
        if self.price.interval is not None:
            return "is a price for a subscription"
        if self.price.amount_minor is None:
            return "has no fixed amount"
        return None


def total_of(items: Sequence[Item], offers: Mapping[str, Offer | None]) -> Money:
    """What the items come to: one-time active prices of one currency.

    `offers` has each price id; None is a price that Stripe does not know. Raises InvalidRequest
    that names `items.N.price` for each wrong one, or `items` when the sum cannot be charged.
    """
    wrong: dict[str, str] = {}
    currency: str | None = None
    minor = 0
    for number, item in enumerate(items):
        offer = offers[item.price]
        problem = NOT_KNOWN if offer is None else offer.what_is_wrong
        if offer is not None and problem is None:
            currency = currency or offer.price.currency
            if offer.price.currency != currency:
                problem = "is in another currency than the items before it"
            minor += (offer.price.amount_minor or 0) * item.quantity
        if problem is not None:
            wrong[f"items.{number}.price"] = problem
    if wrong or currency is None:
        raise InvalidRequest("These prices cannot be charged.", fields=wrong)
    return _chargeable(minor, currency)


def refuse_unsubscribable(prices: Sequence[str], offers: Mapping[str, Offer | None]) -> None:
    """Raise InvalidRequest that names `items.N.price` for each that no subscription can have.

    Only for what never changes at Stripe, so that a repeat of what was taken once is taken again;
    whether a price is still sold is for Stripe to say.
    """
    wrong: dict[str, str] = {}
    for number, price in enumerate(prices):
        offer = offers[price]
        if offer is None:
            wrong[f"items.{number}.price"] = NOT_KNOWN
        elif offer.price.interval is None:
            wrong[f"items.{number}.price"] = "is a price that is paid once"
    if wrong:
        raise InvalidRequest("These prices are not for subscriptions.", fields=wrong)


def _chargeable(minor: int, currency: str) -> Money:
    """As `currency.chargeable`, in words about a sum."""
    rules = CURRENCIES.get(currency)
    problem = None
    if rules is None:
        problem = "are in a currency that cannot be charged here"
    elif minor > AMOUNT_MINOR_MAX:
        problem = f"come to more than {AMOUNT_MINOR_MAX} minor units"
    elif minor < rules.least:
        problem = f"come to less than {rules.least} minor units, the least in {currency}"
    elif minor % rules.step:
        problem = f"come to no multiple of {rules.step} minor units, as {currency} needs"
    if problem is not None:
        raise InvalidRequest("The items cannot be charged together.", fields={"items": problem})
    return Money(minor, currency)


def stored(found: Product | Price) -> dict[str, Any]:
    """As an entry of the catalogue holds it."""
    return asdict(found)
