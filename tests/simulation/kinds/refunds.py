"""Refunds: asked for by the shop or made in the Dashboard, and what must be true of them.

What is expected is written from Stripe's documentation and api.md, not taken from the product.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.errors import PaidOnceError
from paidonce.domain.refund_request import RefundRequest

from tests.simulation.at_stripe import money_back
from tests.simulation.at_stripe.money_back import REFUND, STANDING
from tests.simulation.hazards import Crash, Fault, Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import Thing
from tests.simulation.world import Act, World

API_SECONDS, TIME_LEFT_SECONDS = 28, 22
# What the bus hears of a refund (api.md section 3).
WORD = {
    "pending": "refund.pending",
    "requires_action": "refund.pending",
    "succeeded": "refund.settled",
    "failed": "refund.failed",
    "canceled": "refund.failed",
}
OPENING = tuple(Step("pay", (number,)) for number in (1, 2, 3))
NUMBERS = 3
SHOP = Caller(
    issuer="iss",
    subject="shop",
    user_id=None,
    scopes=frozenset({"refunds:write", "payments:any"}),
)


def draw(random: Random) -> Step:
    """One step about refunds."""
    dice = random.random()
    name = "pay" if dice < 0.25 else "refund by hand" if dice < 0.5 else "move refund"
    return Step(name, (random.randrange(10_000), random.getrandbits(30)))


def draw_ask(random: Random) -> Step:
    """One request of the shop's."""
    order, number = random.randrange(payments.ORDERS), random.randrange(NUMBERS)
    return Step("refund", (order, number, random.getrandbits(30)))


def request(payment_id: str, number: int, *, is_other: bool = False) -> RefundRequest:
    """Number 0 asks for all that is left, the others for a part; `is_other`: another body."""
    amount = 100 * number + is_other or None
    return RefundRequest(
        caller=SHOP,
        idempotency_key=f"refund-{payment_id}-{number}",
        body_hash=f"{payment_id}-{amount}",
        payment_id=payment_id,
        amount_minor=amount,
    )


def ask(world: World, step: Step) -> None:
    """The shop's POST /refunds: anew, the same again, or the same key with another body."""
    order, number, detail = step.numbers
    payment_id = payments.request(order, 0).payment_id
    _asked(world, request(payment_id, number, is_other=detail % 11 == 0), step.faults)


def _asked(world: World, wanted: RefundRequest, faults: tuple[Fault, ...]) -> None:
    try:
        with world.hazards.invocation(seconds=API_SECONDS, faults=faults):
            end = world.clock.now() + TIME_LEFT_SECONDS
            world.api.refund_payment(
                wanted, correlation_id="shop", time_left=lambda: end - world.clock.now()
            )
    except Crash:
        world.hazards.happened["API died"] += 1
    except PaidOnceError as error:
        world.hazards.happened[f"API said {error.code}"] += 1


def ask_again(world: World) -> None:
    """A shop that was not answered asks again, while nothing goes wrong any more."""
    for payment in list(world.store.payments().values()):
        for refund in payment.refunds:
            # Nobody asked for a fraud refund: its operation is sure to be queued.
            if refund.is_asked and refund.call.body_hash is not None:
                number = next(
                    n
                    for n in range(2 * NUMBERS)
                    if request(payment.id, n % NUMBERS, is_other=n >= NUMBERS).body_hash
                    == refund.call.body_hash
                )
                wanted = request(payment.id, number % NUMBERS, is_other=number >= NUMBERS)
                _asked(world, wanted, ())


ACTS: dict[str, Act] = {
    "refund": ask,
    "refund by hand": lambda world, step: money_back.refund_by_hand(world, step.numbers[0]),
    "move refund": lambda world, step: money_back.move_refund(world, step.numbers[0]),
}


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every payment's refunds against those of its charge."""
    made: dict[str, list[Thing]] = {}
    for thing in world.stripe.of(REFUND, "ours"):
        made.setdefault(payments.payment_of(world, thing), []).append(thing)
    told = payments.told_by_aggregate(world)
    for payment in world.store.payments().values():
        yield from _against(world, payment, made.get(payment.id, []))
        for thing in made.get(payment.id, []):
            yield from _as_told(thing, told.get(payment.id, []))
    marks = [m for m in map(_mark, world.stripe.of(REFUND)) if m]
    if len(marks) != len(set(marks)):
        yield f"refunded twice: {sorted(m for m in marks if marks.count(m) > 1)}"


def _mark(thing: Thing) -> Any:
    return thing.document["metadata"].get("paidonce_refund")


def _against(world: World, payment: Any, things: list[Thing]) -> Iterator[str]:
    expected = {_mark(t) or t.id: (t.id, t.document["amount"], t.status) for t in things}
    kept = {r.id: (r.stripe_refund_id, r.amount_minor, r.status.value) for r in payment.refunds}
    found = {i: shown for i, shown in kept.items() if shown[0] is not None}
    if found != expected:
        yield f"state: {payment.id} has refunds {found}, Stripe has {expected}"
    total = sum(t.document["amount"] for t in things if t.status in STANDING)
    if payment.amount_refunded_minor != total:
        yield f"state: {payment.id} shows {payment.amount_refunded_minor} refunded of {total}"
    for refund in payment.refunds:
        # What Stripe never made has failed here, or an operation for it is with people.
        is_open = refund.stripe_refund_id is None and refund.status.value != "failed"
        if is_open and refund.call.idempotency_key not in world.operations.given_up:
            yield f"state: {refund.id} is {refund.status.value} and nothing goes on with it"


def _as_told(thing: Thing, about: Sequence[Any]) -> Iterator[str]:
    """The bus heard a part of what happened, in its order, each once, with the end in it."""
    refund_id = _mark(thing) or thing.id
    happened = list(dict.fromkeys(WORD[document["status"]] for document in thing.path))
    heard = [e.type for e in about if e.id.endswith(f".{refund_id}")]
    rest = iter(happened)
    if not all(word in rest for word in heard) or heard[-1:] != happened[-1:]:
        yield f"told: {refund_id} told {heard} of {happened}"
