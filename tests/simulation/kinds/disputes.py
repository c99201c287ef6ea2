"""Disputes and early fraud warnings, and what must be true of them.

What is expected is written from Stripe's documentation and api.md, not taken from the product.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.simulation.at_stripe import money_back
from tests.simulation.at_stripe.money_back import DISPUTE, REFUND, WARNING
from tests.simulation.hazards import Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import Thing
from tests.simulation.world import Act, World

ENDS = {"won": "dispute.won", "lost": "dispute.lost"}
OPENING = tuple(Step("dispute", (number,)) for number in (4, 5))


def draw(random: Random) -> Step:
    """One step about disputes and warnings."""
    names = ("pay", "dispute", "dispute", "move dispute", "move dispute", "move dispute", "warn")
    name = names[random.randrange(len(names))]
    return Step(name, (random.randrange(10_000), random.getrandbits(30)))


def draw_ask(random: Random) -> Step:
    """Nobody asks our API for one: a shopper's request instead."""
    return payments.draw_ask(random)


def ask_again(world: World) -> None:
    """Nobody asked."""


ACTS: dict[str, Act] = {
    "dispute": lambda world, step: money_back.dispute(world, step.numbers[0]),
    "move dispute": lambda world, step: money_back.move_dispute(world, step.numbers[0]),
    "warn": lambda world, step: money_back.warn(world, step.numbers[0]),
}


# --- what must be true at the end ---------------------------------------------------------------


def verify(world: World) -> Iterator[str]:
    """Every payment's disputes and warnings against those of all intents with its marks."""
    disputes = _by_payment(world, DISPUTE, "ours", "stray")
    # One about a stray's charge is for a person.
    warnings = _by_payment(world, WARNING, "ours")
    for payment in world.store.payments().values():
        yield from _disputes(payment, disputes.get(payment.id, []))
        yield from _warnings(payment, warnings.get(payment.id, []))
    told = _told_about(world)
    for thing in world.stripe.of(DISPUTE, "ours", "stray"):
        yield from _dispute_as_told(thing, told.get(thing.id, []))
    if world.stripe.of(DISPUTE, "foreign") and not world.tally.counts["ForeignDisputes"]:
        yield "alarm: nobody counted a foreign dispute"
    for thing in world.stripe.of(WARNING, "ours"):
        heard = told.get(thing.id, [])
        was_actionable = any(document["actionable"] for document in thing.path)
        if heard not in ([], ["fraud.warned"]) or (heard and not was_actionable):
            yield f"told: {thing.id} told {heard}"
        if thing.document["actionable"] and not heard:
            yield f"told: {thing.id} is actionable and nobody heard of it"
        yield from _answered(world, thing)


def _answered(world: World, thing: Thing) -> Iterator[str]:
    """The money went back once at most; where it did not, a person knows, or nothing is due."""
    refunds = [r for r in world.stripe.of(REFUND) if (r.key or "").startswith(f"efw_{thing.id}_")]
    if len(refunds) > 1:
        yield f"refunded twice: {thing.id} led to {[r.id for r in refunds]}"
    payment_id = payments.payment_of(world, thing)
    # A refund that failed, this one or another, is left to people, too.
    told = any(
        kind in ("fraud_warning", "refund_failed") and notice_id.startswith(payment_id)
        for notice_id, kind in world.consumers.sns.sent
    )
    queue = world.consumers.all["answer_fraud_warning"].queue
    given_up = queue.given_up + world.operations.given_up
    if thing.document["actionable"] and not told and thing.id not in given_up:
        yield f"fraud: {thing.id} is actionable and nobody answers it"


def _by_payment(world: World, kind: str, *roles: str) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in world.stripe.of(kind, *roles):
        found.setdefault(payments.payment_of(world, thing), []).append(thing)
    return found


def _told_about(world: World) -> dict[str, list[str]]:
    """Types of the domain events about each dispute and warning, in their order."""
    found: dict[str, list[Any]] = {}
    for event in world.record.told.values():
        if event.type.startswith(("dispute.", "fraud.")):
            found.setdefault(event.id.rpartition(".")[2], []).append(event)
    return {i: [e.type for e in sorted(many, key=lambda e: e.version)] for i, many in found.items()}


def _disputes(payment: Any, things: Sequence[Thing]) -> Iterator[str]:
    expected = {
        t.id: (
            t.status,
            t.document["amount"],
            t.document["reason"],
            t.document["evidence_details"]["due_by"],
        )
        for t in things
    }
    found = {d.id: (d.status.value, d.amount_minor, d.reason, d.due_by) for d in payment.disputes}
    if found != expected:
        yield f"state: {payment.id} has disputes {found}, Stripe has {expected}"


def _warnings(payment: Any, things: Sequence[Thing]) -> Iterator[str]:
    expected = {t.id: (t.document["actionable"], t.document["fraud_type"]) for t in things}
    found = {w.id: (w.actionable, w.fraud_type) for w in payment.fraud_warnings}
    if found != expected:
        yield f"state: {payment.id} has warnings {found}, Stripe has {expected}"


def _dispute_as_told(thing: Thing, heard: Sequence[str]) -> Iterator[str]:
    """Opened first and once, its end last and once."""
    end = ENDS.get(thing.status)
    wrong_start = heard[:1] != ["dispute.opened"] or heard.count("dispute.opened") != 1
    wrong_end = bool(end) and heard[-1] != end
    if wrong_start or wrong_end or any(heard.count(word) > 1 for word in ENDS.values()):
        yield f"told: {thing.id}, {thing.status}, told {list(heard)}"
    if len(heard) > len(thing.path) + bool(end):
        yield f"told: {thing.id} changed {len(thing.path)} times and told {list(heard)}"
