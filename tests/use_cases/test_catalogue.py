"""Prices are asked of Stripe once, and a change at Stripe is known soon."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from paidonce.adapters.clock import SystemClock
from paidonce.domain.errors import InvalidRequest, KeyRefused, StripeRefused, TryAgain
from paidonce.domain.money import Money
from paidonce.domain.price import Item
from paidonce.use_cases.catalogue import LISTED_MAX, Freshness, LookUpPrices
from paidonce.use_cases.ports import Clock
from paidonce.use_cases.stripe_ports import Answer

from tests.examples import an_event
from tests.fakes import FakeClock, Tables
from tests.fakes_catalogue import FakeCatalogue, a_price, a_product, every
from tests.fakes_stripe import FakeStripe, FakeStripeGateway
from tests.fakes_telemetry import FakeTelemetry
from tests.use_cases.worker import Worker

FRESHNESS = Freshness(memory_seconds=5, shared_seconds=600, unknown_seconds=30, claim_seconds=10)


class Market:
    """Stripe's prices, the shared catalogue, and containers that look them up."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stripe = FakeStripe(self.clock)
        self.gateway = FakeStripeGateway(self.stripe)
        self.catalogue = FakeCatalogue(Tables())
        self.telemetry = FakeTelemetry()
        self.sells(a_product(), a_price())

    def sells(self, *found: dict[str, Any]) -> None:
        self.stripe.objects |= {one["id"]: one for one in found}

    def container(self, clock: Clock | None = None) -> LookUpPrices:
        return LookUpPrices(
            catalogue=self.catalogue,
            gateway=self.gateway,
            clock=clock or self.clock,
            telemetry=self.telemetry,
            freshness=FRESHNESS,
            jitter=lambda: 0.5,
        )

    def costs(
        self, container: LookUpPrices | None = None, price: str = "price_1", quantity: int = 1
    ) -> Money:
        return (container or self.container()).total(
            [Item(price=price, quantity=quantity)], time_left=self.clock.time_left(20)
        )

    @property
    def asked(self) -> int:
        return len(self.gateway.faults.calls)


@pytest.fixture
def market() -> Market:
    return Market()


def test_a_price_is_asked_for_once_by_all_containers(market: Market) -> None:
    first = market.container()
    assert market.costs(first, quantity=3) == Money(1500, "usd")
    assert market.asked == 2, "the price and its product"
    for _ in range(3):
        assert market.costs(first) == Money(500, "usd")
        assert market.costs() == Money(500, "usd")
    assert market.asked == 2
    assert market.telemetry.counts["CatalogueMisses"] == 2
    assert market.telemetry.counts["CatalogueHits"] == 12


def test_a_container_remembers_for_seconds_and_asks_the_table_after_them(market: Market) -> None:
    first = market.container()
    market.costs(first)
    reads = len(market.catalogue.faults.calls)
    market.costs(first)
    assert len(market.catalogue.faults.calls) == reads
    market.clock.advance(FRESHNESS.memory_seconds)
    market.costs(first)
    assert len(market.catalogue.faults.calls) == reads + 2
    assert market.asked == 2


def test_after_its_time_a_price_is_asked_for_again(market: Market) -> None:
    first = market.container()
    market.costs(first)
    market.sells(a_price(active=False))
    market.clock.advance(FRESHNESS.shared_seconds)
    with pytest.raises(InvalidRequest):
        market.costs(first)


def test_an_unknown_price_is_remembered_for_half_a_minute(market: Market) -> None:
    for _ in range(3):
        with pytest.raises(InvalidRequest) as raised:
            market.costs(price="price_new")
        assert raised.value.fields == {"items.0.price": "is not a known price"}
    assert market.asked == 1
    market.sells(a_price("price_new"))
    market.clock.advance(29)
    with pytest.raises(InvalidRequest):
        market.costs(price="price_new")
    market.clock.advance(1)
    assert market.costs(price="price_new") == Money(500, "usd")


def test_a_product_that_is_deleted_or_not_there_makes_its_price_unknown(market: Market) -> None:
    market.sells({"id": "prod_1", "object": "product", "deleted": True})
    with pytest.raises(InvalidRequest):
        market.costs()


@pytest.mark.parametrize(
    "error", [TryAgain("away"), KeyRefused("401", http_status=401), StripeRefused("400")]
)
def test_a_failure_is_no_answer_and_is_not_remembered(market: Market, error: Exception) -> None:
    market.gateway.faults.plan("get", error)
    with pytest.raises(type(error)):
        market.costs()
    market.clock.advance(FRESHNESS.claim_seconds)
    assert market.costs() == Money(500, "usd")


def test_a_failed_fetch_holds_nobody_up(market: Market) -> None:
    market.gateway.faults.plan("get", TryAgain("away"))
    with pytest.raises(TryAgain):
        market.costs()
    assert market.costs() == Money(500, "usd")
    assert market.clock.pauses == []


def test_a_claim_of_somebody_who_died_ends(market: Market) -> None:
    market.catalogue.claim("price#price_1", now=int(market.clock.now()), lasts_seconds=10)
    before = market.clock.now()
    assert market.costs() == Money(500, "usd")
    assert 10 <= market.clock.now() - before < 12


def test_who_waits_too_long_is_told_to_try_again(market: Market) -> None:
    market.catalogue.claim("price#price_1", now=int(market.clock.now()), lasts_seconds=60)
    with pytest.raises(TryAgain):
        market.costs()
    assert market.asked == 0


def test_what_changes_while_it_is_fetched_is_not_kept(market: Market) -> None:
    worker = Worker()
    worker.tables.catalogue = market.catalogue.tables.catalogue
    event = an_event("price.updated", a_price(active=False))
    market.gateway.faults.before("get", lambda: worker.takes(worker.delivery(event)))
    assert market.costs() == Money(500, "usd"), "Stripe answered before it changed"
    market.sells(a_price(active=False))
    with pytest.raises(InvalidRequest):
        market.costs()


@pytest.mark.parametrize(
    ("event_type", "found"),
    [
        ("price.updated", a_price(active=False)),
        ("product.updated", a_product(active=False)),
        ("product.deleted", a_product(active=False)),
    ],
)
def test_an_event_outdates_what_it_is_about(
    market: Market, event_type: str, found: dict[str, Any]
) -> None:
    """The next container to ask knows; one that remembers knows within `memory_seconds`."""
    remembers = market.container()
    market.costs(remembers)
    market.sells(found)
    worker = Worker()
    worker.tables.catalogue = market.catalogue.tables.catalogue
    assert worker.takes(worker.delivery(an_event(event_type, found))) == set()
    assert worker.outcomes == {"evt_1": "applied"}
    with pytest.raises(InvalidRequest):
        market.costs()
    assert market.costs(remembers) == Money(500, "usd")
    market.clock.advance(FRESHNESS.memory_seconds)
    with pytest.raises(InvalidRequest):
        market.costs(remembers)


def test_an_event_makes_an_unknown_price_known(market: Market) -> None:
    with pytest.raises(InvalidRequest):
        market.costs(price="price_new")
    market.sells(a_price("price_new"))
    worker = Worker()
    worker.tables.catalogue = market.catalogue.tables.catalogue
    worker.takes(worker.delivery(an_event("price.created", a_price("price_new"))))
    assert market.costs(price="price_new") == Money(500, "usd")


def test_events_of_one_batch_outdate_the_list_once(market: Market) -> None:
    worker = Worker()
    worker.tables.catalogue = market.catalogue.tables.catalogue
    events = [
        an_event("price.created", a_price(f"price_{n}"), event_id=f"evt_{n}") for n in range(3)
    ]
    assert worker.takes(*(worker.delivery(event) for event in events)) == set()
    (commit,) = worker.books.commits
    assert commit.outdated == ["price#price_0", "price#price_1", "price#price_2", "prices#active"]


def test_events_of_another_mode_outdate_nothing() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event("price.updated", a_price(), livemode=True)))
    assert worker.outcomes == {"evt_1": "foreign"}
    assert worker.books.commits[0].outdated == []


def test_the_list_shows_what_is_sold_and_is_asked_for_once(market: Market) -> None:
    market.sells(
        a_product("prod_2", name="Coffee", active=False),
        a_price("price_old", active=False),
        a_price("price_of_nothing", product="prod_2"),
        a_price("price_tiers", unit_amount=None, billing_scheme="tiered"),
        a_price("price_month", recurring=every("month"), unit_amount=900),
    )
    for _ in range(3):
        assert market.container().listed(time_left=market.clock.time_left(20)) == [
            {
                "id": "price_month",
                "product": "prod_1",
                "name": "Tea",
                "amount_minor": 900,
                "currency": "usd",
                "interval": "month",
            },
            {
                "id": "price_1",
                "product": "prod_1",
                "name": "Tea",
                "amount_minor": 500,
                "currency": "usd",
                "interval": None,
            },
        ]
    assert market.asked == 1


def test_the_list_has_an_end(market: Market) -> None:
    market.sells(*(a_price(f"price_{n}") for n in range(LISTED_MAX + 5)))
    assert len(market.container().listed(time_left=market.clock.time_left(20))) == LISTED_MAX


class SlowGateway(FakeStripeGateway):
    """Answers when it is told to, and counts what it is asked."""

    def __init__(self, stripe: FakeStripe) -> None:
        super().__init__(stripe)
        self.go_on = threading.Event()

    def get(self, resource: str, object_id: str, **more: Any) -> Answer:
        """See `StripeGateway.get`."""
        self.go_on.wait(5)
        return super().get(resource, object_id, **more)


@pytest.mark.parametrize("containers", [1, 20])
def test_a_stampede_makes_one_fetch(market: Market, containers: int) -> None:
    """20 callers at once, in one container or in as many; each is answered."""
    market.gateway = SlowGateway(market.stripe)
    clock = SystemClock()
    many = [market.container(clock) for _ in range(containers)]
    with ThreadPoolExecutor(20) as pool:
        answers = [
            pool.submit(
                many[n % containers].total,
                [Item(price="price_1", quantity=1)],
                time_left=lambda: 20.0,
            )
            for n in range(20)
        ]
        threading.Timer(0.3, market.gateway.go_on.set).start()
        assert {answer.result() for answer in answers} == {Money(500, "usd")}
    assert market.asked == 2
    assert market.telemetry.counts["CatalogueMisses"] == 2
