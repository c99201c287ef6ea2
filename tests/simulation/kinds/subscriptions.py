"""Customers, subscriptions and invoices, and what must be true of them.

What is expected is written from Stripe's documentation and api.md, not taken from the product.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.customer import Customer, CustomerRequest
from paidonce.domain.errors import PaidOnceError
from paidonce.domain.moment import iso
from paidonce.domain.request import Request
from paidonce.use_cases.subscribe import SubscriptionRequest

from tests.simulation.at_stripe import billing
from tests.simulation.at_stripe.billing import CUSTOMER, ENDED, INVOICE, SUBSCRIPTION
from tests.simulation.hazards import Crash, Fault, Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import Thing, chosen
from tests.simulation.world import Act, World

USERS = 2
MARKS: Mapping[str, Mapping[str, str]] = {
    "ours": {"paidonce_stage": "sim", "paidonce_user": "user-9"},
    "foreign": {},
}
LATE = ("past_due", "unpaid")
OPENING = (
    *(Step("ask customer", (n,)) for n in range(USERS)),
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
    """One request of a user, for a customer or a subscription: anew, or the same again."""
    user, number = random.randrange(USERS), random.randrange(3)
    if number == 0:
        return Step("ask customer", (user, random.getrandbits(30)))
    return Step("ask subscription", (user, number, random.getrandbits(30)))


def ask_customer(world: World, step: Step) -> None:
    """A user's POST /customers."""
    _asked_customer(world, step.numbers[0], step.faults)


def _asked_customer(world: World, user: int, faults: tuple[Fault, ...]) -> None:
    wanted = CustomerRequest(
        caller=_caller(user), idempotency_key="customer", body_hash="c", user_id=f"user-{user}"
    )
    _asked(world, faults, lambda **named: world.api.make_customer(wanted, **named))


def ask_subscription(world: World, step: Step) -> None:
    """A user's POST /subscriptions, once their customer is known."""
    user, number, _ = step.numbers
    _asked_subscription(world, user, number, step.faults)


def _asked_subscription(world: World, user: int, number: int, faults: tuple[Fault, ...]) -> None:
    known = [
        row
        for row in world.store.others().values()
        if isinstance(row, Customer) and row.user_id == f"user-{user}"
    ]
    if not known:
        return
    wanted = SubscriptionRequest(
        caller=_caller(user),
        idempotency_key=f"subscription-{number}",
        body_hash=str(number),
        customer_id=min(known, key=lambda row: row.id).id,
        lines=[("price_a", number)],
    )
    _asked(world, faults, lambda **named: world.api.subscribe(wanted, **named))


def _caller(user: int) -> Caller:
    name = f"user-{user}"
    return Caller(issuer="iss", subject=name, user_id=name, scopes=frozenset())


def _asked(world: World, faults: tuple[Fault, ...], call: Callable[..., object]) -> None:
    try:
        with world.hazards.invocation(seconds=payments.API_SECONDS, faults=faults):
            end = world.clock.now() + payments.TIME_LEFT_SECONDS
            call(correlation_id="user", time_left=lambda: end - world.clock.now())
    except Crash:
        world.hazards.happened["API died"] += 1
    except PaidOnceError as error:
        world.hazards.happened[f"API said {error.code}"] += 1


def ask_again(world: World) -> None:
    """Users who were not answered ask again, while nothing goes wrong any more."""
    for row in list(world.store.others().values()):
        if isinstance(row, Request) and row.is_open:
            user = int((row.user_id or "").removeprefix("user-"))
            if row.kind == "customer":
                _asked_customer(world, user, ())
            else:
                _asked_subscription(world, user, int(row.call.body_hash or 0), ())


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
    "ask customer": ask_customer,
    "ask subscription": ask_subscription,
    "edit customer": lambda world, step: billing.change_customer(world, step.numbers[0]),
}


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every row against Stripe's object."""
    rows = world.store.others()
    for kind in (CUSTOMER, SUBSCRIPTION):
        # A customer that was deleted before its answer was noted is in no list any more.
        standing = [t for t in world.stripe.of(kind) if not billing.is_deleted(t)]
        made = [_request_of(t) for t in standing if _request_of(t)]
        if len(made) != len(set(made)):
            yield f"made twice: {sorted(made)} of {kind}"
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


def _request_of(thing: Thing) -> Any:
    return thing.path[0]["metadata"].get("paidonce_request")


def _is_ours(thing: Thing, rows: Mapping[str, Any]) -> Iterator[str]:
    if (thing.id in rows) is not (thing.role == "ours"):
        yield f"state: {thing.id} is {thing.role} and has {'a' if thing.id in rows else 'no'} row"


def _customer(thing: Thing, row: Any) -> Iterator[str]:
    document = thing.document
    deleted = billing.is_deleted(thing)
    user_id = thing.path[0]["metadata"]["paidonce_user"]
    expected = (deleted, document.get("email"), document.get("name"), user_id)
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
        "user_id": document["metadata"]["paidonce_user"],
        "items": [{"price": line["price"]["id"], "quantity": line["quantity"]}],
        "current_period_end": iso(line["current_period_end"]),
        "cancel_at_period_end": document["cancel_at_period_end"],
        "trial_end": document["trial_end"] and iso(document["trial_end"]),
        "latest_invoice": {"id": latest.id, "status": latest.status},
    }
    found = {name: shown[name] for name in expected}
    # The browser that confirms the first payment is told by Stripe itself.
    is_first = latest.document["billing_reason"] == "subscription_create"
    expected["last_error"] = None if is_first else billing.why_unpaid(latest)
    error = shown["last_error"]
    found["last_error"] = error and (error["code"], error["decline_code"])
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
    for event in events:
        if event.type == "subscription.past_due" and _fails_untold(event.object):
            yield f"told: {thing.id} is late and {event.id} does not say why"
    if most["ended"] and heard.count("ended") != 1:
        yield f"told: {thing.id} has ended and told {heard}"
    if heard and heard[0] not in ("started", "changed", "ended", "past_due"):
        yield f"told: {thing.id} told {heard} first"


def _fails_untold(shown: Mapping[str, Any]) -> bool:
    return shown["latest_invoice"]["status"] == "open" and shown["last_error"] is None
