"""What every thing of ours with a row of its own can do, whatever its kind."""

from typing import Any, Protocol, Self


class Aggregate(Protocol):
    """A row of the state table: a payment, a customer, a subscription, a request.

    `id` begins with its kind (`pay_`, `cus_`, `sub_`, `req_`). `version` rises by one with every
    write; a write is made under the version that was read.
    """

    @property
    def id(self) -> str:
        """Ours, or Stripe's own where that is the name that everybody uses."""
        ...

    @property
    def version(self) -> int:
        """The row's lock."""
        ...

    @property
    def updated_at(self) -> str:
        """When it last showed something new (ISO 8601, UTC)."""
        ...

    @property
    def pointer_ids(self) -> frozenset[str]:
        """Stripe's ids under which events without our metadata find it."""
        ...

    def written(self, *, at: str) -> Self:
        """As its row is written after a change: one version on."""
        ...

    def looks_like(self, other: Self) -> bool:
        """True when nothing but the bounds of our knowledge differs."""
        ...

    def view(self) -> dict[str, Any]:
        """As the API and the bus show it (api.md section 1)."""
        ...
