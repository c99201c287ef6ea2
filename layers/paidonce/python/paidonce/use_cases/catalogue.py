"""Look prices up: in this container's memory, then in the shared catalogue, then at Stripe.

Only what things cost is kept here. What a payment's state is, nobody may take from a cache.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from paidonce.domain.errors import StripeRefused, TryAgain
from paidonce.domain.money import Money
from paidonce.domain.price import (
    ACTIVE_PRICES,
    Item,
    Offer,
    Price,
    Product,
    price_entry,
    product_entry,
    refuse_unsubscribable,
    stored,
    total_of,
)
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft
from paidonce.use_cases.stripe_ports import StripeGateway

_NOT_FOUND = 404
# What GET /prices shows: about 250 bytes each, and an item of DynamoDB holds 400 KB.
LISTED_MAX = 1000
# Entries that a container remembers: a few hundred bytes each.
REMEMBERED_MAX = 2000
# A waiting caller looks again after this long, half as much more or less.
_LOOK_AGAIN_SECONDS = 0.2
# With less time left the call that the prices are for could not be made.
_TIME_LEFT_SECONDS_MIN = 2.0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue knows under one name: a document, or None for what Stripe does not know.

    `fresh_until` is in seconds since 1970.
    """

    document: Any
    fresh_until: int


class Catalogue(Protocol):
    """Entries that all containers share; a `revision` rises with each claim and each outdating."""

    def read(self, name: str) -> Entry | None:
        """The entry, if one is there; raises TryAgain."""
        ...

    def claim(self, name: str, *, now: int, lasts_seconds: int) -> int | None:
        """The right to fetch it, as a revision; None while it is fresh or another's.

        Raises TryAgain.
        """
        ...

    def keep(self, name: str, entry: Entry, *, revision: int) -> bool:
        """Keep what was fetched; False when it was outdated or claimed anew. Raises TryAgain."""
        ...

    def give_up(self, name: str, *, revision: int) -> None:
        """End a claim without an entry, so that nobody waits for it. Raises TryAgain."""
        ...


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """For how many seconds an entry counts, where, and how long one caller may take to fetch it."""

    memory_seconds: int
    shared_seconds: int
    unknown_seconds: int
    claim_seconds: int


@dataclass(frozen=True, kw_only=True)
class LookUpPrices:
    """The layers put together; one object for a container. `jitter` gives numbers from 0 to 1."""

    catalogue: Catalogue
    gateway: StripeGateway
    clock: Clock
    telemetry: Telemetry
    freshness: Freshness
    jitter: Callable[[], float]
    _memory: OrderedDict[str, Entry] = field(init=False, default_factory=OrderedDict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def total(self, items: Sequence[Item], *, time_left: TimeLeft) -> Money:
        """What the items come to.

        Raises InvalidRequest naming the items that are wrong; TryAgain, KeyRefused, NotConfigured
        when a price is in no cache and Stripe does not tell.
        """
        offers = {item.price: self._offer(item.price, time_left) for item in items}
        return total_of(items, offers)

    def must_recur(self, prices: Sequence[str], *, time_left: TimeLeft) -> None:
        """Raise InvalidRequest naming the prices that are unknown or paid once.

        Raises TryAgain, KeyRefused, NotConfigured as `total` does.
        """
        offers = {price: self._offer(price, time_left) for price in prices}
        refuse_unsubscribable(prices, offers)

    def listed(self, *, time_left: TimeLeft) -> list[dict[str, Any]]:
        """The active prices with a fixed amount, newest first, as the API shows them."""
        found: list[dict[str, Any]] = self._document(
            ACTIVE_PRICES, lambda: self._fetch_list(time_left), time_left
        )
        return found

    def _offer(self, price_id: str, time_left: TimeLeft) -> Offer | None:
        known = self._document(
            price_entry(price_id), lambda: self._fetch("price", price_id, time_left), time_left
        )
        if known is None:
            return None
        price = Price(**known)
        product = self._document(
            product_entry(price.product_id),
            lambda: self._fetch("product", price.product_id, time_left),
            time_left,
        )
        return None if product is None else Offer(price=price, product=Product(**product))

    def _document(self, name: str, fetch: Callable[[], Any], time_left: TimeLeft) -> Any:
        if (entry := self._remembered(name)) is not None:
            self.telemetry.count("CatalogueHits")
            return entry.document
        with self._lock:
            # Whoever held the lock before may have remembered it.
            entry = self._remembered(name) or self._shared(name)
            if entry is not None:
                self.telemetry.count("CatalogueHits")
                self._remember(name, entry)
                return entry.document
            return self._fetched_by_one(name, fetch, time_left)

    def _fetched_by_one(self, name: str, fetch: Callable[[], Any], time_left: TimeLeft) -> Any:
        """Fetch it, or wait for the caller who does. Raises TryAgain when time is over."""
        while time_left() > _TIME_LEFT_SECONDS_MIN:
            revision = self.catalogue.claim(
                name, now=int(self.clock.now()), lasts_seconds=self.freshness.claim_seconds
            )
            if revision is not None:
                self.telemetry.count("CatalogueMisses")
                return self._fetched(name, fetch, revision)
            self.clock.pause(_LOOK_AGAIN_SECONDS * (0.5 + self.jitter()))
            if (entry := self._shared(name)) is not None:
                self.telemetry.count("CatalogueHits")
                self._remember(name, entry)
                return entry.document
        raise TryAgain(f"nobody has fetched {name} in time")

    def _fetched(self, name: str, fetch: Callable[[], Any], revision: int) -> Any:
        try:
            document = fetch()
        except TryAgain:
            self.catalogue.give_up(name, revision=revision)
            raise
        lasts = self.freshness.shared_seconds
        if document is None:
            lasts = self.freshness.unknown_seconds
        entry = Entry(document=document, fresh_until=int(self.clock.now()) + lasts)
        # What changed while it was fetched is right for this caller and for nobody after.
        if self.catalogue.keep(name, entry, revision=revision):
            self._remember(name, entry)
        return document

    def _shared(self, name: str) -> Entry | None:
        entry = self.catalogue.read(name)
        return entry if entry and entry.fresh_until > self.clock.now() else None

    def _remembered(self, name: str) -> Entry | None:
        entry = self._memory.get(name)
        return entry if entry and entry.fresh_until > self.clock.now() else None

    def _remember(self, name: str, entry: Entry) -> None:
        """No event reaches a container's memory, so it forgets soon."""
        until = min(entry.fresh_until, int(self.clock.now()) + self.freshness.memory_seconds)
        self._memory[name] = Entry(document=entry.document, fresh_until=until)
        self._memory.move_to_end(name)
        while len(self._memory) > REMEMBERED_MAX:
            self._memory.popitem(last=False)

    def _fetch(self, resource: str, object_id: str, time_left: TimeLeft) -> dict[str, Any] | None:
        """The price or product at Stripe; None when there is none."""
        try:
            answer = self.gateway.get(resource, object_id, time_left=time_left, may_be_absent=True)
        except StripeRefused as error:
            if error.http_status == _NOT_FOUND:
                return None
            raise
        found = answer.seen.object
        if found.get("deleted"):
            return None
        return stored(_READ[resource](found))

    def _fetch_list(self, time_left: TimeLeft) -> list[dict[str, Any]]:
        prices = self.gateway.listed(
            "price",
            created_from=0,
            time_left=time_left,
            only={"active": True, "expand": ["data.product"]},
        )
        shown = []
        for found in islice(prices, LISTED_MAX):
            price, product = Price.from_stripe(found), found["product"]
            if price.amount_minor is not None and product.get("active"):
                shown.append(price.shown(Product.from_stripe(product)))
        return shown


_READ: Mapping[str, Callable[[Mapping[str, Any]], Price | Product]] = {
    "price": Price.from_stripe,
    "product": Product.from_stripe,
}
