"""Every order of what Stripe tells of subscriptions and customers, with copies, in any pace."""

from collections.abc import Hashable, Mapping
from typing import Any

import pytest
from paidonce.domain.aggregate import Aggregate
from paidonce.domain.customer import Customer
from paidonce.domain.entitlement import view_of
from paidonce.domain.policy import Policy
from paidonce.domain.subscription import Subscription, begun

from tests.billing_examples import AT
from tests.simulation.billing_lives import Life, customers, subscriptions
from tests.simulation.orders import Explorer, Told, in_each_pace, with_each_fetch
from tests.use_cases.worker import Worker

# What differs although both are right: when and how often a row was written.
_OUR_OWN = ("version", "created_at", "updated_at")


class BillingExplorer(Explorer[Aggregate | None]):
    """A subscription or a customer; None: nothing is known of it yet."""

    def __init__(self, life: Life, *, pace: int, sees_the_end: bool) -> None:
        super().__init__(life.events(pace), sees_the_end=sees_the_end)
        self.life = life

    def known(self, row: Aggregate | None, told: Told) -> Hashable:
        """Without how often the row was written, and when."""
        return tuple(sorted(told)), repr(_known(row))

    def worker_with(self, row: Aggregate | None) -> Worker:
        worker = Worker()
        if row is not None:
            worker.tables.put(row)
        return worker

    def row_of(self, worker: Worker) -> Aggregate | None:
        return worker.tables.others.get(self.life.held[-1]["id"])

    def held_at(self, number: int) -> list[dict[str, Any]]:
        held = self.life.held[number]
        invoice = held.get("latest_invoice")
        return [held, invoice] if invoice else [held]

    def judge(self, row: Aggregate | None, told: Told) -> None:
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


@with_each_fetch
@in_each_pace
@pytest.mark.parametrize("name", [*subscriptions(), *customers()])
def test_every_order_with_copies_ends_as_stripe_holds_it(
    name: str,
    pace: int,
    sees_the_end: bool,  # noqa: FBT001 - pytest gives it by name
) -> None:
    """Each event twice at once, each copy again after each step; fetches show the end or little."""
    life: Life = {**subscriptions(), **customers()}[name]
    explorer = BillingExplorer(life, pace=pace, sees_the_end=sees_the_end)
    assert explorer.explore(life.row) >= 1
