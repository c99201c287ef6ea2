"""Payments on Stripe's own page: shoppers that ask for one, and what must be true of it."""

from collections.abc import Iterator
from random import Random

from paidonce.domain.checkout_request import CheckoutRequest
from paidonce.domain.errors import PaidOnceError
from paidonce.domain.price import Item

from tests.simulation.at_stripe import sessions
from tests.simulation.at_stripe.sessions import SESSION
from tests.simulation.hazards import Crash, Fault, Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import Thing
from tests.simulation.world import Act, World

ORDERS = 2
OPENING = tuple(Step("open page", (order, 0)) for order in range(ORDERS))


def draw(random: Random) -> Step:
    """One step on a page."""
    return Step("move page", (random.randrange(10_000), random.getrandbits(30)))


def draw_ask(random: Random) -> Step:
    """One request of a shopper: anew, the same again, or under another key."""
    order, variant = random.randrange(ORDERS), random.randrange(2)
    return Step("open page", (order, variant, random.getrandbits(30)))


def request(order: int, variant: int) -> CheckoutRequest:
    """1: another key for the same order."""
    return CheckoutRequest(
        caller=payments.SHOPPER,
        idempotency_key=f"page-{order}-{variant}",
        body_hash=f"page-{order}",
        order_id=f"page-{order}",
        money=None,
        items=(Item(price="price_a", quantity=1 + order),),
        user_id="user-1",
        success_url="https://shop.test/thanks",
        cancel_url="https://shop.test/cart",
    )


def ask(world: World, step: Step) -> None:
    """A shopper's POST /checkout-sessions."""
    _asked(world, request(*step.numbers[:2]), step.faults)


def _asked(world: World, wanted: CheckoutRequest, faults: tuple[Fault, ...]) -> None:
    try:
        with world.hazards.invocation(seconds=payments.API_SECONDS, faults=faults):
            end = world.clock.now() + payments.TIME_LEFT_SECONDS
            world.api.open_checkout(
                wanted, correlation_id="shopper", time_left=lambda: end - world.clock.now()
            )
    except Crash:
        world.hazards.happened["API died"] += 1
    except PaidOnceError as error:
        world.hazards.happened[f"API said {error.code}"] += 1


def ask_again(world: World) -> None:
    """Shoppers who have seen no page come back, while nothing goes wrong any more."""
    known = world.store.payments()
    for order in range(ORDERS):
        for variant in range(2):
            payment = known.get(request(order, variant).payment_id)
            if payment is not None and payment.checkout_session_id is None:
                _asked(world, request(order, variant), ())


ACTS: dict[str, Act] = {
    "open page": ask,
    "move page": lambda world, step: sessions.move(world, step.numbers[0]),
}


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every page against its payment; of the intent that it made the payments' own checks tell."""
    rows = world.store.payments()
    pages: dict[str, list[Thing]] = {}
    for thing in world.stripe.of(SESSION):
        pages.setdefault(thing.document["client_reference_id"], []).append(thing)
    for payment_id, things in pages.items():
        payment = rows.get(payment_id)
        if payment is None or len(things) > 1:
            yield f"page: {payment_id} has {[t.id for t in things]}"
            continue
        (thing,) = things
        # Once its intent says how it ended, nobody needs the page any more.
        is_over = payment.status.value in ("paid", "canceled")
        if payment.checkout_session_id not in (thing.id, *([None] if is_over else [])):
            yield f"page: {payment_id} has {payment.checkout_session_id}, Stripe {thing.id}"
        if thing.document["payment_intent"] is None:
            wanted = "canceled" if thing.status == "expired" else "pending"
            if payment.status.value != wanted:
                yield f"state: {payment_id} is {payment.status.value}, its page {thing.status}"
