"""What every thing of ours with a row of its own can do, whatever its kind."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from paidonce.domain.ledger import DomainEvent


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
        """True when only what nobody is shown differs: bounds of our knowledge, notes of calls."""
        ...

    def news(self, before: Self) -> tuple[str, ...]:
        """Types of the domain events that the change from `before` to this tells by itself."""
        ...

    def view(self) -> dict[str, Any]:
        """As the API and the bus show it (api.md section 1)."""
        ...


A = TypeVar("A", bound=Aggregate)


def told(
    before: A,
    after: A,
    *,
    notices: tuple[tuple[str, str], ...],
    at: str,
    view: Mapping[str, Any] | None = None,
) -> tuple[DomainEvent, ...]:
    """The domain events of one decision; ids are stable however often it is made.

    `notices` are (type, Stripe's object id): they are told even where the row stands still, so the
    object's id is part of theirs. `at` (ISO 8601) is when it happened at Stripe. `view` is what the
    stage shows of the row, where that is more than the row's own view.
    """
    types = [(kind, f"{kind}.{object_id}") for kind, object_id in notices]
    types += [(kind, kind) for kind in after.news(before)]
    return tuple(
        DomainEvent(
            id=f"{after.id}.{after.version}.{suffix}",
            type=kind,
            version=after.version,
            occurred_at=at,
            object=after.view() if view is None else view,
        )
        for kind, suffix in types
    )
