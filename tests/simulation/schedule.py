"""A schedule: run in a new world, settled, and judged."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import seed as seed_random

from paidonce.domain.ledger import answer_id
from paidonce.domain.operation import Operation

from tests.simulation import consumers, reconciling, steps, ways_out
from tests.simulation.drawing import KINDS, drawn
from tests.simulation.hazards import Step
from tests.simulation.kinds import payments
from tests.simulation.model_stripe import DAY, Happening
from tests.simulation.simulated_sqs import SimulatedSqs
from tests.simulation.world import World

ACTS = steps.ACTS | {name: act for kind in KINDS for name, act in kind.ACTS.items()}
# One schedule in so many runs the real DynamoDB adapters.
DEEP_EVERY = 10
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


def run(seed: int, story: Sequence[Step] | None = None, *, is_deep: bool | None = None) -> Verdict:
    """Let it happen, let it come to rest, and say what is wrong."""
    # Two adapters jitter with the module's own generator.
    seed_random(seed)
    deep = seed % DEEP_EVERY == 0 if is_deep is None else is_deep
    skew = (0.0, -2.7, 0.5, 3.1)[seed % 4]
    world = World(ACTS, skew=skew, is_deep=deep)
    for step in drawn(seed) if story is None else story:
        world.perform(step)
    wrong = [*_settled(world), *world.record.wrong, *world.wrong]
    if not wrong:
        wrong = [
            *_ledger(world),
            *_published(world),
            *(w for kind in KINDS for w in kind.verify(world)),
        ]
    verdict = Verdict(
        seed,
        wrong,
        world.hazards.happened + world.stripe.happened,
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
    # It is a cycle: so the next collection has less to look for.
    vars(world).clear()
    return verdict


# --- coming to rest -----------------------------------------------------------------------------


def _settled(world: World) -> Iterator[str]:
    """No more faults: everything that is owed is delivered, what is lacking is swept up."""
    steps.settle_secrets(world)
    world.ways_out.bus.is_calm = True
    yield from _nowhere(world)
    for kind in KINDS:
        kind.ask_again(world)
    yield from _at_rest(world, within=2 * HOUR)
    payments.settle(world)
    yield from _at_rest(world, within=2 * HOUR)
    for number in range(2):
        if not reconciling.repair(world, number):
            break
        yield from _at_rest(world, within=2 * HOUR)
    yield from _reconciled(world, within=2 * HOUR)
    yield from payments.strays(world)
    # The latest copies come after up to 30 days.
    yield from _at_rest(world, within=31 * DAY)
    yield from _reconciled(world, within=2 * HOUR)
    steps.expire(world)
    for queue in world.queues:
        if queue.messages:
            yield f"in flight: {[m.event_id[:150] for m in queue.messages.values()]}"


def _reconciled(world: World, *, within: float) -> Iterator[str]:
    """What the stream gave up is published, and seen to."""
    world.clock.pause(ways_out.DUE_AFTER_SECONDS + 1)
    world.perform(Step("reconcile", (0, 7)))
    yield from _at_rest(world, within=within)


def _due(world: World) -> Iterator[Step]:
    """Invocations that find something to do."""
    if _is_shown(world, world.sqs):
        yield Step("work", (10, 0, 7))
    if _is_shown(world, world.operations):
        yield Step("operate", (10, 0, 7))
    if world.ways_out.stream.pending:
        yield Step("publish", (25, 7))
    if any(_is_shown(world, consumer.queue) for consumer in world.consumers.all.values()):
        yield from (Step("consume", (10, pick, 7)) for pick, _ in enumerate(world.consumers.all))


def _is_shown(world: World, queue: SimulatedSqs) -> bool:
    """Is there a message that can be received now?"""
    at = queue.next_visible_at()
    return at is not None and at <= world.clock.now()


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
        for step in _due(world):
            world.perform(step)
        if world.ways_out.stream.pending:
            continue
        queued = [queue.next_visible_at() for queue in world.queues]
        visible = [at for at in queued if at is not None]
        if any(at <= world.clock.now() for at in visible):
            continue
        times = [webhook.due for webhook in world.stripe.webhooks] + visible
        if not times or min(times) > end:
            return
        world.clock.time = max(world.clock.time, min(times))
    yield "in flight: it never comes to rest"


def _wanted(event: Happening) -> tuple[str, ...]:
    """Outcomes that are right. A dispute of a stray stands with its payment: somebody must answer.

    Whether other parts of a stray say that they are one is not seen from outside.
    """
    if event.role != "stray" or event.type.startswith("payment_intent."):
        return OUTCOMES[event.role]
    more = OUTCOMES["ours"] if ".dispute." in event.type else ("unchanged",)
    return (*OUTCOMES["stray"], *more)


def _published(world: World) -> Iterator[str]:
    """The bus heard of every change, under its one id, and of nothing else."""
    told, heard = set(world.record.told), set(world.ways_out.bus.heard)
    if told != heard:
        yield f"bus: of {sorted(told - heard)} it did not hear, of {sorted(heard - told)} too much"
    yield from world.ways_out.bus.wrong
    yield from _noticed(world)
    if left := [
        row.event_id
        for row in world.store.rows().values()
        if (row.todo or "").startswith("publish")
    ]:
        yield f"bus: {left} still wait to be published"


def _noticed(world: World) -> Iterator[str]:
    """Whoever has to hear of something did, once: again only where a consumer met trouble."""
    told = world.consumers
    given_up = "".join(c.queue.given_up for c in told.all.values())
    doubtful = "".join(told.doubtful)
    sent = Counter[str]()
    for (notice_id, kind), times in told.sns.sent.items():
        sent[notice_id] += times
        if kind != "fraud_warning" and times > 1 and notice_id not in doubtful:
            yield f"notice: {notice_id} was sent {times} times"
    for event in world.record.told.values():
        if event.type in consumers.NOTICED and not sent[event.id] and event.id not in given_up:
            yield f"notice: nobody was told of {event.id}"
        if sent[event.id] and event.type not in (*consumers.NOTICED, *consumers.WARNED):
            yield f"notice: somebody was told of {event.id}"


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
        # A type that nobody asked for is in no list that we read.
        is_swept = event.role not in NOT_SWEPT and event.type in world.stripe.enabled
        if not is_swept and not is_shown and not is_final:
            continue
        # By a replay it is decided from what Stripe shows now, which lacks nothing.
        is_mended = event.role == "poison" and event.id in world.replayed
        if found not in _wanted(event) and not (is_mended and found in OUTCOMES["ours"]):
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
