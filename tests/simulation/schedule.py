"""A schedule: drawn from one seed, run in a new world, settled, and judged."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from random import seed as seed_random
from types import ModuleType
from typing import Any

from paidonce.domain.ledger import answer_id
from paidonce.domain.operation import Operation

from tests.simulation import steps
from tests.simulation.hazards import Fault, Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import DAY, Thing
from tests.simulation.world import World

# One module for each aggregate: `draw`, `ACTS`, `verify`.
KINDS: tuple[ModuleType, ...] = (payments,)
ACTS = steps.ACTS | {name: act for kind in KINDS for name, act in kind.ACTS.items()}
# One schedule in so many runs the real DynamoDB adapters.
DEEP_EVERY = 10
FAULTS = (
    "crash before",
    "crash after",
    "throttled",
    "answer lost",
    "conflict",
    "timeout",
    "refused",
    "others before",
    "others before",
    "others after",
    "others after",
)
# Where: the first call of that name, or (None) one by its number.
CALLS = (
    None,
    None,
    None,
    None,
    "commit",
    "commit",
    "look after",
    "look after",
    "look before",
    "hold",
    "park",
)
# Which steps a story is made of: each up to its share of 1.
SHARES = (
    ("deliver", 0.32),
    ("work", 0.54),
    ("ask", 0.585),
    ("operate", 0.62),
    ("tick", 0.70),
    ("roll", 0.71),
    ("drop", 0.725),
    ("kind", 1.0),
)
# How likely an invocation is to meet trouble (and as likely again some more).
FAULTS_OF = {"deliver": 0.06, "work": 0.5, "ask": 0.4, "operate": 0.5}
# About how many port calls such an invocation makes.
CALLS_OF = {"deliver": 2, "work": 12, "ask": 9, "operate": 12}
SIZES = (1, 1, 2, 2, 3, 5, 10)
ORDERS = 4
SETTLES_MAX = 600
HOUR = 3_600
OUTCOMES = {
    "ours": ("applied", "unchanged"),
    "stray": ("superseded",),
    "foreign": ("foreign",),
    "ignored": ("ignored",),
    "orphan": ("dead",),
    "poison": ("dead",),
}

# What only a person can end: nothing brings it again once it is dropped.
NOT_SWEPT = ("orphan", "poison")


@dataclass
class Verdict:
    """What a schedule showed. `wrong` are sentences that begin with the kind of violation."""

    seed: int
    wrong: list[str]
    faults: Counter[str] = field(default_factory=Counter)
    metrics: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)


def drawn(seed: int) -> list[Step]:
    """The steps of a seed: a story of about a minute, with jumps of up to 29 days."""
    random = Random(seed)
    story = [_step(random) for _ in range(random.randrange(47, 76))]
    for order in range(ORDERS):
        # Most orders come early: what happens to them is the story.
        story.insert(random.randrange(4 + 3 * order), _ask(random, order, 0))
    if random.random() < 0.35:
        seconds = (61 * 60, 61 * 60, 3 * DAY, 29 * DAY)[random.randrange(4)]
        story.insert(random.randrange(len(story)), Step("jump", (seconds, 0)))
    return story


def _step(random: Random, *, may_fail: bool = True) -> Step:
    dice, detail = random.random(), random.getrandbits(30)
    name = next(name for name, share in SHARES if dice < share)
    numbers: tuple[int, ...] = (detail >> 8, detail)
    faults: tuple[Fault, ...] = ()
    if name == "kind":
        kind = KINDS[random.randrange(len(KINDS))]
        step: Step = kind.draw(random)
        return step
    if name == "ask":
        variant = (0, 0, 1, 1, 2, 3)[random.randrange(6)]
        return _ask(random, random.randrange(ORDERS), variant, may_fail=may_fail)
    if name == "tick":
        numbers = ((1, 3, 9, 11, 60, 400, 3_700)[random.randrange(7)], detail)
    if name in ("work", "operate"):
        numbers = (SIZES[detail % 7], detail >> 8, detail)
    if may_fail and name in FAULTS_OF:
        faults = _faults(random, name)
    return Step(name, numbers, faults)


def _ask(random: Random, order: int, variant: int, *, may_fail: bool = True) -> Step:
    faults = _faults(random, "ask") if may_fail else ()
    return Step("ask", (order, variant, random.getrandbits(30)), faults)


def _faults(random: Random, name: str) -> tuple[Fault, ...]:
    found: list[Fault] = []
    while random.random() < FAULTS_OF[name] and len(found) < 3:
        kind = FAULTS[random.randrange(len(FAULTS))]
        meanwhile = _by_others(random) if "others" in kind else None
        word = CALLS[random.randrange(len(CALLS))]
        call = word if word and name != "deliver" else 1 + random.randrange(CALLS_OF[name])
        found.append(Fault(call, kind, meanwhile))
    return tuple(found)


def _our_intent(world: World, params: Mapping[str, Any], key: str) -> Thing:
    return payments.make_intent(world, params, key, "ours")


def _by_others(random: Random) -> Step:
    """What happens in the middle of an invocation: mostly another one, or a change at Stripe."""
    dice = random.random()
    if dice < 0.25:
        return Step("move", (payments.LOOKED_AT, random.getrandbits(30)))
    if dice < 0.35:
        return payments.draw(random)
    while (step := _step(random, may_fail=dice > 0.9)).name not in FAULTS_OF:
        continue
    return step


def run(seed: int, story: Sequence[Step] | None = None, *, is_deep: bool | None = None) -> Verdict:
    """Let it happen, let it come to rest, and say what is wrong."""
    # Two adapters jitter with the module's own generator.
    seed_random(seed)
    deep = seed % DEEP_EVERY == 0 if is_deep is None else is_deep
    skew = (0.0, -2.7, 0.5, 3.1)[seed % 4]
    world = World(ACTS, _our_intent, payments.cancel, skew=skew, is_deep=deep)
    for step in drawn(seed) if story is None else story:
        world.perform(step)
    wrong = [*_settled(world), *world.record.wrong, *world.wrong]
    if not wrong:
        wrong = [*_ledger(world), *(w for kind in KINDS for w in kind.verify(world))]
    return Verdict(
        seed,
        wrong,
        world.hazards.happened,
        world.tally.counts,
        Counter(
            objects=len(world.stripe.things),
            events=len(world.stripe.events),
            deliveries=world.deliveries,
            messages=world.messages,
            writes=world.record.writes,
            deep=deep,
        ),
    )


# --- coming to rest -----------------------------------------------------------------------------


def _settled(world: World) -> Iterator[str]:
    """No more faults: everything that is owed is delivered, what is lacking is swept up."""
    steps.settle_secrets(world)
    yield from _nowhere(world)
    payments.ask_again(world, ORDERS)
    yield from _at_rest(world, within=2 * HOUR)
    steps.sweep(world)
    yield from _at_rest(world, within=2 * HOUR)
    if steps.sweep(world):
        yield from _at_rest(world, within=2 * HOUR)
    # The latest copies come after up to 30 days.
    yield from _at_rest(world, within=31 * DAY)
    steps.expire(world)
    for queue in (world.sqs, world.operations):
        if queue.messages:
            yield f"in flight: {[m.event_id for m in queue.messages.values()]}"


def _nowhere(world: World) -> Iterator[str]:
    """What we said yes to is in the ledger for good, in the queue, or a dead letter."""
    held = {m.event_id for m in [*world.sqs.messages.values(), *world.sqs.dead]}
    for event_id in sorted(world.accepted - held - world.sqs.expired):
        outcome = world.record.decided.get(event_id)
        if outcome is None or not outcome.is_final:
            yield f"lost: {event_id} was accepted and is {outcome and outcome.value} and nowhere"


def _at_rest(world: World, *, within: float) -> Iterator[str]:
    """Deliver and work until nothing is due before then."""
    end = world.clock.now() + within
    for _ in range(SETTLES_MAX):
        while due := world.stripe.due():
            for number, webhook in enumerate(due):
                steps.attempt(world, webhook, Step("deliver", (0, number)))
        world.perform(Step("work", (10, 0, 7)))
        world.perform(Step("operate", (10, 0, 7)))
        queued = [world.sqs.next_visible_at(), world.operations.next_visible_at()]
        visible = [at for at in queued if at is not None]
        if any(at <= world.clock.now() for at in visible):
            continue
        times = [webhook.due for webhook in world.stripe.webhooks] + visible
        if not times or min(times) > end:
            return
        world.clock.time = max(world.clock.time, min(times))
    yield "in flight: it never comes to rest"


def _key_of(body: str) -> str:
    operation = Operation.parse(body)
    return operation.idempotency_key if operation else body


def _ledger(world: World) -> Iterator[str]:
    """Every event has its one outcome."""
    rows = world.store.rows()
    for event in world.stripe.events.values():
        row = rows.get(event.id)
        found = row and row.outcome.value
        is_shown = event.id in world.accepted and event.id not in world.sqs.expired
        is_final = row is not None and row.outcome.is_final
        if event.role in NOT_SWEPT and not is_shown and not is_final:
            continue
        if found not in OUTCOMES[event.role]:
            yield f"ledger: {event.id} ({event.type}, {event.role}) is {found}"
    gone = [*(m.body for m in world.operations.dead), *world.operations.expired]
    known = {answer_id(_key_of(body)) for body in gone}
    for row in rows.values():
        if row.event_id.startswith("answer#") and not row.outcome.is_final | (
            row.event_id in known
        ):
            yield f"lost: {row.event_id} is {row.outcome.value} and its operation is nowhere"
    if others := [i for i in rows if not i.startswith(("evt_", "answer#"))]:
        yield f"ledger: {others} are nobody's events"
