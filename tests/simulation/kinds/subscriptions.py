"""Customers, subscriptions and invoices, and what must be true of them.

What is expected is written from Stripe's documentation and api.md, not taken from the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from paidonce.domain.moment import iso

from tests.simulation.at_stripe import billing
from tests.simulation.at_stripe.billing import CUSTOMER, ENDED, INVOICE, SUBSCRIPTION
from tests.simulation.hazards import Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import Thing, chosen
from tests.simulation.world import Act, World

USERS = 2
MARKS: Mapping[str, Mapping[str, str]] = {
    "ours": {"paidonce_stage": "sim", "paidonce_user": "user-1"},
    "foreign": {},
}
LATE = ("past_due", "unpaid")
OPENING = (
    *(Step("customer", (n,)) for n in range(USERS)),
    *(Step("subscribe", (n,)) for n in range(USERS)),
)


def draw(random: Random) -> Step:
    """One step about customers and subscriptions."""
    dice, numbers = random.random(), (random.randrange(10_000), random.getrandbits(30))
    if dice < 0.74:
        return Step("go on", numbers)
    if dice < 0.84:
        return Step("edit customer", numbers)
    return Step("customer" if dice < 0.91 else "subscribe", numbers)


def draw_ask(random: Random) -> Step:
    """Nothing is asked of our API yet."""
    return draw(random)


def ask_again(world: World) -> None:
    """Nobody asked."""


def customer(world: World, step: Step) -> None:
    """A customer, one in five somebody else's."""
    role = "foreign" if step.numbers[0] % 5 == 4 else "ours"
    billing.add_customer(world, MARKS[role], role)


def subscribe(world: World, step: Step) -> None:
    """A subscription of one of them."""
    known = [c for c in world.stripe.of(CUSTOMER) if not billing.is_deleted(c)]
    if known:
        one = chosen(known, step.numbers[0])
        billing.subscribe(world, one, MARKS[one.role], one.role)


ACTS: dict[str, Act] = {
    "customer": customer,
    "subscribe": subscribe,
    "go on": lambda world, step: billing.move(world, step.numbers[0]),
    "edit customer": lambda world, step: billing.change_customer(world, step.numbers[0]),
}


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every row against Stripe's object."""
    rows = world.store.others()
    told = payments.told_by_aggregate(world)
    for thing in world.stripe.of(CUSTOMER):
        yield from _is_ours(thing, rows)
        if thing.id in rows:
            yield from _customer(thing, rows[thing.id])
    for thing in world.stripe.of(SUBSCRIPTION):
        yield from _is_ours(thing, rows)
        if thing.id in rows:
            yield from _subscription(world, thing, rows[thing.id])
            yield from _as_told(world, thing, told.get(thing.id, ()))


def _is_ours(thing: Thing, rows: Mapping[str, Any]) -> Iterator[str]:
    if (thing.id in rows) is not (thing.role == "ours"):
        yield f"state: {thing.id} is {thing.role} and has {'a' if thing.id in rows else 'no'} row"


def _customer(thing: Thing, row: Any) -> Iterator[str]:
    document = thing.document
    deleted = billing.is_deleted(thing)
    expected = (deleted, document.get("email"), document.get("name"), "user-1")
    found = (row.deleted, row.email, row.name, row.user_id)
    if found != expected:
        yield f"state: {thing.id} is {found}, Stripe has {expected}"


def _subscription(world: World, thing: Thing, row: Any) -> Iterator[str]:
    document, shown = thing.document, row.view()
    line = document["items"]["data"][0]
    latest = billing.latest_of(world, thing)
    expected = {
        "status": thing.status,
        "customer_id": document["customer"],
        "user_id": "user-1",
        "items": [{"price": line["price"]["id"], "quantity": line["quantity"]}],
        "current_period_end": iso(line["current_period_end"]),
        "cancel_at_period_end": document["cancel_at_period_end"],
        "trial_end": document["trial_end"] and iso(document["trial_end"]),
        "latest_invoice": {"id": latest.id, "status": latest.status},
    }
    found = {name: shown[name] for name in expected}
    if found != expected:
        odd = {n: (found[n], expected[n]) for n in expected if found[n] != expected[n]}
        yield f"state: {thing.id} has {odd} (here, at Stripe)"
    if row.owes_first is not _owes_first(world, thing):
        yield f"state: {thing.id} owes its first invoice: {row.owes_first}"


def _owes_first(world: World, thing: Thing) -> bool:
    return any(
        i.document["billing_reason"] == "subscription_create" and i.status != "paid"
        for i in _invoices(world, thing)
    )


def _invoices(world: World, thing: Thing) -> list[Thing]:
    return [
        i
        for i in world.stripe.of(INVOICE)
        if i.document["parent"]["subscription_details"]["subscription"] == thing.id
    ]


def _as_told(world: World, thing: Thing, events: Sequence[Any]) -> Iterator[str]:
    """Each step once: started, ended; late and renewed at most as often as it was."""
    heard = [e.type.removeprefix("subscription.") for e in sorted(events, key=lambda e: e.version)]
    statuses = [document["status"] for document in thing.path]
    most = {
        "started": int(any(s not in ("incomplete", *ENDED) for s in statuses)),
        "ended": int(thing.status in ENDED),
        "past_due": sum(
            now in LATE and before not in LATE
            for before, now in zip(["", *statuses], statuses, strict=False)
        ),
        "renewed": sum(
            i.status == "paid" and i.document["billing_reason"] == "subscription_cycle"
            for i in _invoices(world, thing)
        ),
    }
    for word, times in most.items():
        if heard.count(word) > times:
            yield f"told: {thing.id} told {heard} of {statuses}"
    if most["ended"] and heard.count("ended") != 1:
        yield f"told: {thing.id} has ended and told {heard}"
    if heard and heard[0] not in ("started", "changed", "ended", "past_due"):
        yield f"told: {thing.id} told {heard} first"
