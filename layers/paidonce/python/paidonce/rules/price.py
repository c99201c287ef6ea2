"""What a price's events mean for the catalogue."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.price import ACTIVE_PRICES, price_entry
from paidonce.domain.rulebook import outdates


@outdates("price.created", "price.updated", "price.deleted", resource="price")
def forget(price: Mapping[str, Any]) -> tuple[str, ...]:
    """The price itself, also one that was unknown until now, and the list of those that are sold.

    The payload is not kept instead: a later event may have come before this one.
    """
    return (price_entry(price["id"]), ACTIVE_PRICES)
