"""Payments: intents at the model Stripe, shoppers that ask, and what must be true of it all.

The tables below are written from Stripe's documentation and api.md, not taken from the product.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.errors import PaidOnceError
from paidonce.domain.money import Money
from paidonce.domain.payment_request import PaymentRequest

from tests.simulation.at_stripe import intents
from tests.simulation.at_stripe.intents import INTENT
from tests.simulation.hazards import Crash, Step
from tests.simulation.model_stripe import Thing, chosen
from tests.simulation.world import Act, World

API_SECONDS, TIME_LEFT_SECONDS = 28, 22
STAGE_NAME = "sim"

# What an intent means for us (api.md section 1), and what the bus hears when it gets there.
STATUS = {
    "requires_payment_method": "pending",
    "requires_action": "requires_action",
    "processing": "processing",
    "requires_capture": "authorized",
    "succeeded": "paid",
    "canceled": "canceled",
}
TOLD = frozenset({"requires_action", "authorized", "paid", "failed", "canceled"})
TOLD_AS = frozenset(f"payment.{word}" for word in TOLD)


def status_of(document: Mapping[str, Any]) -> str:
    """Our word for an intent."""
    is_declined = document["last_payment_error"] is not None
    if document["status"] == "requires_payment_method" and is_declined:
        return "failed"
    return STATUS[document["status"]]


# `move` of the intent that was looked at last, if it is open.
LOOKED_AT = -1


ORDERS = 4
OPENING = tuple(Step("ask", (order, 0)) for order in range(ORDERS))


# --- what happens -------------------------------------------------------------------------------


def draw(random: Random) -> Step:
    """One step about payments."""
    which, detail = random.randrange(10_000), random.getrandbits(30)
    dice = random.random()
    if dice < 0.76:
        return Step("move", (which, detail))
    if dice < 0.83:
        return Step("stray", (which, detail))
    if dice < 0.92:
        return Step("foreign", (which, detail))
    if dice < 0.95:
        return Step("amend", (which, detail))
    if dice < 0.98:
        return Step("odd", (which, detail))
    return Step("orphan" if dice < 0.99 else "poison", (which, detail))


def draw_ask(random: Random) -> Step:
    """One request of a shopper."""
    variant = (0, 0, 1, 1, 2, 3)[random.randrange(6)]
    return Step("ask", (random.randrange(ORDERS), variant, random.getrandbits(30)))


def ask(world: World, step: Step) -> None:
    """A shopper's POST /payments: anew, the same again, another key, or another content."""
    order, variant, _ = step.numbers
    try:
        with world.hazards.invocation(seconds=API_SECONDS, faults=step.faults):
            end = world.clock.now() + TIME_LEFT_SECONDS
            world.api.take_payment(
                request(order, variant),
                correlation_id="shopper",
                time_left=lambda: end - world.clock.now(),
            )
    except Crash:
        world.hazards.happened["API died"] += 1
    except PaidOnceError as error:
        world.hazards.happened[f"API said {error.code}"] += 1


def ask_again(world: World) -> None:
    """Shoppers who have no intent yet come back, while nothing goes wrong any more."""
    payments = world.store.payments()
    for order in range(ORDERS):
        known = payments.get(request(order, 0).payment_id)
        if known is None or known.payment_intent_id is None:
            ask(world, Step("ask", (order, 0, 0)))


SHOPPER = Caller(issuer="iss", subject="user-1", user_id="user-1", scopes=frozenset())


@lru_cache(maxsize=1000)
def request(order: int, variant: int) -> PaymentRequest:
    """0: the first key; 1: another key; 2: the first key, another body; 3: another content."""
    amount = 1000 + order + (variant >= 2)
    return PaymentRequest(
        caller=SHOPPER,
        idempotency_key=f"order-{order}-{variant % 2}",
        body_hash=f"{order}-{amount}",
        order_id=f"order-{order}",
        money=Money(amount, "usd"),
        user_id="user-1",
        capture="manual" if order % 3 == 2 else "automatic",
    )


def move(world: World, step: Step) -> None:
    """An intent goes on: the shopper confirms, the bank answers, the shop captures or cancels."""
    open_ones = [t for t in world.stripe.of(INTENT) if intents.can_move(t)]
    if not open_ones:
        return
    looked_at = [t for t in open_ones if t.id == world.reader.looking_at]
    is_about_it = step.numbers[0] < 0 and looked_at
    intents.move(world, looked_at[0] if is_about_it else chosen(open_ones, step.numbers[0]))


def settle(world: World) -> None:
    """Banks answer: what waits for one is decided."""
    for thing in world.stripe.of(INTENT, "stray"):
        if thing.status == "processing":
            intents.move(world, thing)


def pay(world: World, step: Step) -> None:
    """An intent of ours is paid, as most are; sometimes it is a stray's."""
    roles = ("ours", "stray") if world.dice.upto(4) == 0 else ("ours",)
    open_ones = [t for t in world.stripe.of(INTENT, *roles) if intents.can_move(t)]
    if open_ones:
        thing = chosen(open_ones, step.numbers[0])
        intents.go_to(world, thing, "succeeded", "payment_intent.succeeded")


def stray(world: World, step: Step) -> None:
    """A second intent with the marks of one of ours, made by hand at Stripe."""
    ours = world.stripe.of(INTENT, "ours")
    if ours:
        first = chosen(ours, step.numbers[0]).document
        metadata = {**first["metadata"], "paidonce_attempt": "7"}
        intents.make(world, {**first, "metadata": metadata}, None, "stray")


def foreign(world: World, step: Step) -> None:
    """Somebody else's intent on the same account: another stage's, or nobody's that we know."""
    metadata = (
        {"paidonce_stage": "dev", "paidonce_payment": "pay_dev", "paidonce_attempt": "1"}
        if step.numbers[0] % 2
        else {}
    )
    intents.make(world, {"amount": 5, "currency": "usd", "metadata": metadata}, None, "foreign")


def orphan(world: World, step: Step) -> None:
    """An intent with our marks and a payment that we do not have."""
    assert step
    metadata = {"paidonce_stage": "sim", "paidonce_payment": "pay_lost", "paidonce_attempt": "1"}
    intents.make(world, {"amount": 5, "currency": "usd", "metadata": metadata}, None, "orphan")


def amend(world: World, step: Step) -> None:
    """Somebody changes an open intent's amount at Stripe."""
    ours = [t for t in world.stripe.of(INTENT, "ours") if intents.can_move(t)]
    if ours:
        thing = chosen(ours, step.numbers[0])
        thing.is_amended = True
        world.stripe.change(thing, {"amount": thing.document["amount"] + 1})


def odd(world: World, step: Step) -> None:
    """A type that nothing here decides about, and the same in the other mode."""
    things = [t for t in world.stripe.of(INTENT) if t.role != "orphan"]
    if things:
        thing = chosen(things, step.numbers[0])
        is_live = world.dice.upto(3) == 0
        is_theirs = is_live or thing.document["metadata"].get("paidonce_stage") == "dev"
        world.stripe.happen(
            thing,
            "payment_intent.partially_funded" if not is_live else "payment_intent.succeeded",
            role="foreign" if is_theirs else "ignored",
            livemode=is_live,
        )


def poison(world: World, step: Step) -> None:
    """An event whose object lacks what its rule reads."""
    ours = world.stripe.of(INTENT, "ours")
    if ours:
        thing = chosen(ours, step.numbers[0])
        world.stripe.happen(thing, "payment_intent.processing", role="poison", without="status")


ACTS: dict[str, Act] = {
    "ask": ask,
    "move": move,
    "pay": pay,
    "stray": stray,
    "foreign": foreign,
    "orphan": orphan,
    "amend": amend,
    "odd": odd,
    "poison": poison,
}


def payment_of(world: World, part: Thing) -> str:
    """The payment of a charge, refund, dispute or warning, by the marks of its intent."""
    intent = world.stripe.things[part.document["payment_intent"]]
    return str(intent.document["metadata"].get("paidonce_payment"))


def told_by_aggregate(world: World) -> dict[str, list[Any]]:
    """Domain events by the row that they are about, in the order of its versions."""
    found: dict[str, list[Any]] = {}
    for event in sorted(world.record.told.values(), key=lambda e: e.version):
        found.setdefault(event.id.partition(".")[0], []).append(event)
    return found


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every payment against its intent."""
    payments = world.store.payments()
    made: dict[str, list[Thing]] = {}
    for thing in world.stripe.of(INTENT, "ours"):
        made.setdefault(thing.document["metadata"]["paidonce_payment"], []).append(thing)
    notices = told_by_aggregate(world)
    for payment_id, payment in payments.items():
        things = made.pop(payment_id, [])
        if len(things) > 1:
            yield f"charged twice: {payment_id} has {[t.id for t in things]}"
        elif things:
            yield from _against(things[0], payment)
            yield from _as_told(things[0], payment, notices.get(payment_id, []))
        elif not payment.checkout_session_id and (
            payment.status.value != "pending" or payment.payment_intent_id
        ):
            yield f"state: {payment_id} is {payment.status.value} without an intent"
    if made:
        yield f"state: {sorted(made)} have an intent and no row"
    yield from _alarms(world)


def strays(world: World) -> Iterator[str]:
    """Nobody can pay an intent with our marks that is not its payment's, some hours later.

    But where nothing ran for days, so that its operation was given up: that is left to people.
    """
    is_late = world.hazards.happened["time jump"]
    seen_by_people = world.operations.given_up if is_late else ""
    for thing in world.stripe.of(INTENT, "stray"):
        if intents.can_move(thing) and thing.id not in seen_by_people:
            yield f"stray: {thing.id} is {thing.status} and nobody cancels it"


def _against(thing: Thing, payment: Any) -> Iterator[str]:
    document = thing.document
    expected = (
        status_of(document),
        document["latest_charge"],
        document["amount_received"],
        (document["last_payment_error"] or {}).get("decline_code"),
        thing.id,
    )
    error = payment.last_error
    found = (
        payment.status.value,
        payment.charge_id,
        payment.amount_captured_minor,
        error and error.decline_code,
        payment.payment_intent_id,
    )
    if thing.is_amended and thing.status == "succeeded":
        # The money is not what we asked for: the payment stays where it was.
        known = {status_of(d) for d in thing.path if d["status"] != "succeeded"}
        if payment.status.value not in known:
            yield f"state: {payment.id} with another amount is {payment.status.value}"
    elif found != expected:
        yield f"state: {payment.id} is {found}, Stripe has {expected}"


def _as_told(thing: Thing, payment: Any, events: list[Any]) -> Iterator[str]:
    """What the bus heard is a part of what happened, in its order, with the end in it."""
    happened = [status_of(d) for d in thing.path if not (thing.is_amended and _is_paid(d))]
    about = [e for e in events if e.type in TOLD_AS]
    heard = [e.type.removeprefix("payment.") for e in sorted(about, key=lambda e: e.version)]
    rest = iter(happened)
    if not all(word in rest for word in heard):
        yield f"told: {payment.id} told {heard} of {happened}"
    status = payment.status.value
    if status in TOLD and (not heard or heard[-1] != status):
        yield f"told: {payment.id} is {status} and told {heard}"
    for word in ("paid", "canceled", "authorized"):
        if heard.count(word) > 1:
            yield f"told: {payment.id} was {word} {heard.count(word)} times"


def _is_paid(document: Mapping[str, Any]) -> bool:
    return bool(document["status"] == "succeeded")


def _alarms(world: World) -> Iterator[str]:
    counts = world.tally.counts
    ours_or_strays = world.stripe.of(INTENT, "ours", "stray")
    if counts["PaidAndCanceled"] or counts["IntentMismatch"]:
        yield "alarm: an intent that was both, or not ours, and there is none"
    reasons = {row.reason for row in world.store.rows().values()}
    for reason, alarm, things in (
        ("paid_twice", "PaidTwice", [t for t in ours_or_strays if t.role == "stray"]),
        ("amount_mismatch", "AmountMismatch", [t for t in ours_or_strays if t.is_amended]),
    ):
        if any(_is_paid(t.document) for t in things):
            if reason not in reasons:
                yield f"alarm: {reason} is in no row"
            if not counts[alarm]:
                yield f"alarm: {alarm} did not ring"
    if counts["CreationsAdopted"]:
        return  # An intent that was found in a list was then read: a reading may say `paid`.
    for row_id, types in world.record.told_by.items():
        if "payment.paid" in types and not row_id.startswith("evt_"):
            yield f"paid: {row_id} made a payment paid"
