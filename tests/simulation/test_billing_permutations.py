"""Every order of what Stripe tells of subscriptions and customers, with copies, in any pace."""

from collections.abc import Mapping
from typing import Any

import pytest
from paidonce.domain.aggregate import Aggregate
from paidonce.domain.customer import Customer
from paidonce.domain.entitlement import view_of
from paidonce.domain.policy import Policy
from paidonce.domain.subscription import Subscription, begun

from tests.billing_examples import AT
from tests.simulation.billing_lives import Life, customers, subscriptions
from tests.use_cases.worker import Worker

PACES = {"one second": 0, "different seconds": 2}
FETCHES = {"late fetches": True, "early fetches": False}
# What differs although both are right: when and how often a row was written.
_OUR_OWN = ("version", "created_at", "updated_at")


class Explorer:
    """Delivers what is left in every order; states that are the same are gone on from once."""

    def __init__(self, life: Life, pace: int, *, sees_the_end: bool) -> None:
        self.life = life
        self.events = life.events(pace)
        self.sees_the_end = sees_the_end
        self.seen: set[Any] = set()
        self.orders = 0

    def go(self, row: Aggregate | None, rows: dict[str, Any], told: tuple[str, ...]) -> None:
        """From here on, every order of what is left, and each copy of what was delivered."""
        key = (frozenset(rows), tuple(sorted(told)), repr(_known(row)))
        if key in self.seen:
            return
        self.seen.add(key)
        left = [n for n, event in enumerate(self.events) if event.id not in rows]
        if not left:
            self.orders += 1
            self.judge(row, told)
        for number in range(len(self.events)):
            after, row_after = self.delivered(row, rows, number)
            if number in left:
                more = tuple(e.type for e in row_after[self.events[number].id].domain_events)
                self.go(after, row_after, told + more)
            else:
                assert (after, row_after) == (row, rows)

    def delivered(
        self, row: Aggregate | None, rows: dict[str, Any], number: int
    ) -> tuple[Aggregate | None, dict[str, Any]]:
        """One event, twice in one batch, to the real worker."""
        worker = Worker()
        if row is not None:
            worker.tables.put(row)
        worker.tables.rows.update(rows)
        newest = max([number, *(int(i.removeprefix("evt_")) for i in rows)])
        shown = -1 if self.sees_the_end else newest
        worker.clock.time = float(self.events[shown].created)
        held = self.life.held[shown]
        worker.stripe.objects[held["id"]] = held
        if invoice := held.get("latest_invoice"):
            worker.stripe.objects[invoice["id"]] = invoice
        event = self.events[number]
        assert worker.takes(worker.delivery(event), worker.delivery(event)) == set()
        assert worker.queue.copies == []
        return worker.tables.others.get(held["id"]), worker.tables.rows

    def judge(self, row: Aggregate | None, told: tuple[str, ...]) -> None:
        """It stands as Stripe holds it, and nothing that happens once was told twice."""
        end = self.life.held[-1]
        assert row is not None
        if isinstance(row, Customer):
            assert row.deleted == end.get("deleted", False)
            assert (row.name, row.email) == (end.get("name"), end.get("email"))
            return
        assert isinstance(row, Subscription)
        assert (row.last_error and row.last_error.decline_code) == self.life.why
        assert _shown(row) == _shown(begun(end, AT).shown(end))
        paid = len(row.paid_renewals)
        once = ("subscription.started", "subscription.past_due", "subscription.ended")
        assert all(told.count(kind) <= 1 for kind in once)
        assert told.count("subscription.ended") == row.is_ended
        renewed = told.count("subscription.renewed")
        assert renewed == paid if self.life.row else renewed <= paid


def _known(row: Aggregate | None) -> Any:
    """A row without how often it was written."""
    if row is None:
        return None
    return {name: value for name, value in vars(row).items() if name not in _OUR_OWN}


def _shown(row: Subscription) -> Mapping[str, Any]:
    """As the API shows it, a year on."""
    view = view_of(row, policy=Policy(), now=2_000_000_000)
    return {name: value for name, value in view.items() if name not in _OUR_OWN}


@pytest.mark.parametrize("sees_the_end", FETCHES.values(), ids=FETCHES)
@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
@pytest.mark.parametrize("name", [*subscriptions(), *customers()])
def test_every_order_with_copies_ends_as_stripe_holds_it(
    name: str,
    pace: int,
    sees_the_end: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """Each event twice at once, each copy again after each step; fetches show the end or little."""
    life: Life = {**subscriptions(), **customers()}[name]
    explorer = Explorer(life, pace, sees_the_end=sees_the_end)
    explorer.go(life.row, {}, ())
    assert explorer.orders >= 1
