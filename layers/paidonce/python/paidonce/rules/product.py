"""What a product's events mean for the catalogue."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.price import ACTIVE_PRICES, product_entry
from paidonce.domain.rulebook import outdates


@outdates("product.created", "product.updated", "product.deleted", resource="product")
def forget(product: Mapping[str, Any]) -> tuple[str, ...]:
    """The product, whose name and activity all its prices share, and the list that shows them."""
    return (product_entry(product["id"]), ACTIVE_PRICES)
