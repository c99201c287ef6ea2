"""The catalogue in memory, and Stripe's prices and products."""

import threading
from dataclasses import replace
from typing import Any

from paidonce.use_cases.catalogue import Entry

from tests.fakes import Faults, Tables


class FakeCatalogue:
    """`Catalogue` over the same dictionaries as the worker's books."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self.faults = Faults()
        # A conditional write is one step, also for threads.
        self._lock = threading.Lock()

    def read(self, name: str) -> Entry | None:
        """See `Catalogue.read`."""
        with self.faults.around("read"):
            return self.tables.entry(name).kept

    def claim(self, name: str, *, now: int, lasts_seconds: int) -> int | None:
        """See `Catalogue.claim`."""
        with self.faults.around("claim"), self._lock:
            item = self.tables.entry(name)
            if item.claimed_until > now or (item.kept and item.kept.fresh_until > now):
                return None
            claimed = item.moved_on(claimed_until=now + lasts_seconds)
            self.tables.catalogue[name] = claimed
            return claimed.revision

    def keep(self, name: str, entry: Entry, *, revision: int) -> bool:
        """See `Catalogue.keep`."""
        with self.faults.around("keep"), self._lock:
            item = self.tables.entry(name)
            if item.revision != revision:
                return False
            self.tables.catalogue[name] = replace(item, kept=entry, claimed_until=0)
            return True

    def give_up(self, name: str, *, revision: int) -> None:
        """See `Catalogue.give_up`."""
        with self.faults.around("give_up"):
            item = self.tables.entry(name)
            if item.revision == revision:
                self.tables.catalogue[name] = replace(item, claimed_until=0)


def a_product(product_id: str = "prod_1", **changes: Any) -> dict[str, Any]:
    """A product as Stripe holds it."""
    values: dict[str, Any] = {
        "id": product_id,
        "object": "product",
        "active": True,
        "created": 1_790_000_000,
        "name": "Tea",
    }
    return values | changes


def a_price(price_id: str = "price_1", **changes: Any) -> dict[str, Any]:
    """A price of 5.00 USD, paid once, as Stripe holds it."""
    values: dict[str, Any] = {
        "id": price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": 1_790_000_000,
        "currency": "usd",
        "product": "prod_1",
        "recurring": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": 500,
    }
    return values | changes


def every(interval: str) -> dict[str, Any]:
    """What makes a price recurring."""
    return {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
