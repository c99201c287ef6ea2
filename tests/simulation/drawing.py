"""From a seed to the steps of a schedule: who acts, in which order, and what befalls them."""

from dataclasses import dataclass
from random import Random
from types import ModuleType

from tests.simulation.hazards import Fault, Step
from tests.simulation.kinds import disputes, payments, refunds, sessions, subscriptions
from tests.simulation.model_stripe import DAY

# One module for each kind of object: `draw` (at Stripe), `draw_ask` (of the API), `OPENING`, `ACTS`
# and `verify`.
KINDS: tuple[ModuleType, ...] = (payments, refunds, disputes, sessions, subscriptions)
# What a schedule is about: its steps are drawn from these kinds.
# Steps that ask our API.
ASKS = ("ask", "refund", "open page", "ask customer", "ask subscription")
CASTS: tuple[tuple[ModuleType, ...], ...] = (
    (payments,),
    (payments, refunds),
    (payments, refunds, disputes),
    (sessions, payments, refunds),
    (subscriptions,),
    (payments, subscriptions),
)
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
    ("deliver", 0.31),
    ("work", 0.52),
    ("ask", 0.56),
    ("operate", 0.59),
    ("publish", 0.64),
    ("consume", 0.665),
    ("reconcile", 0.675),
    ("tick", 0.735),
    ("roll", 0.745),
    ("drop", 0.76),
    ("replay", 0.767),
    ("kind", 1.0),
)
# How likely an invocation is to meet trouble (and as likely again some more).
FAULTS_OF = {
    "deliver": 0.06,
    "work": 0.5,
    "ask": 0.4,
    "operate": 0.5,
    "publish": 0.4,
    "reconcile": 0.5,
    "consume": 0.4,
}
# About how many port calls such an invocation makes.
CALLS_OF = {
    "deliver": 2,
    "work": 12,
    "ask": 9,
    "operate": 12,
    "publish": 5,
    # The undelivered are looked at before everything is.
    "reconcile": 24,
    "consume": 6,
}
SIZES = (1, 1, 2, 2, 3, 5, 10)


def drawn(seed: int) -> list[Step]:
    """The steps of a seed: a story of about a minute, with jumps of up to 29 days."""
    random = Random(seed)
    drawer = Drawer(random, CASTS[random.randrange(len(CASTS))])
    story = [drawer.step() for _ in range(random.randrange(52, 82))]
    for place, step in enumerate(step for kind in drawer.cast for step in kind.OPENING):
        # Most of them come early: what happens to them is the story.
        opened = step._replace(numbers=(*step.numbers, random.getrandbits(30)))
        story.insert(random.randrange(4 + 3 * place), drawer.asked(opened))
    if random.random() < 0.35:
        seconds = (61 * 60, 61 * 60, 3 * DAY, 29 * DAY)[random.randrange(4)]
        story.insert(random.randrange(len(story)), Step("jump", (seconds, 0)))
    return story


@dataclass(frozen=True)
class Drawer:
    """Draws steps for a cast of kinds."""

    random: Random
    cast: tuple[ModuleType, ...]

    def step(self, *, may_fail: bool = True) -> Step:
        """Any step."""
        random = self.random
        dice, detail = random.random(), random.getrandbits(30)
        name = next(name for name, share in SHARES if dice < share)
        numbers: tuple[int, ...] = (detail >> 8, detail)
        if name in ("kind", "ask"):
            kind = self.cast[random.randrange(len(self.cast))]
            if name == "kind":
                moved: Step = kind.draw(random)
                return moved
            asked: Step = kind.draw_ask(random)
            return self.asked(asked) if may_fail else asked
        if name == "tick":
            numbers = ((1, 3, 9, 11, 60, 400, 3_700)[random.randrange(7)], detail)
        if name in ("work", "operate", "publish", "consume"):
            numbers = (SIZES[detail % 7], detail >> 8, detail)
        return Step(name, numbers, self._faults(name) if may_fail and name in FAULTS_OF else ())

    def asked(self, step: Step) -> Step:
        """A request to the API, with what befalls it; nothing befalls what happens at Stripe."""
        is_ours = step.name in ASKS
        return step._replace(faults=self._faults("ask")) if is_ours else step

    def _faults(self, name: str) -> tuple[Fault, ...]:
        random = self.random
        found: list[Fault] = []
        while random.random() < FAULTS_OF[name] and len(found) < 3:
            kind = FAULTS[random.randrange(len(FAULTS))]
            meanwhile = self._by_others() if "others" in kind else None
            word = CALLS[random.randrange(len(CALLS))]
            call = word if word and name != "deliver" else 1 + random.randrange(CALLS_OF[name])
            found.append(Fault(call, kind, meanwhile))
        return tuple(found)

    def _by_others(self) -> Step:
        """What happens in the middle of an invocation: another one, or a change at Stripe."""
        random = self.random
        dice = random.random()
        if dice < 0.25:
            return Step("move", (payments.LOOKED_AT, random.getrandbits(30)))
        if dice < 0.35:
            moved: Step = self.cast[random.randrange(len(self.cast))].draw(random)
            return moved
        while (step := self.step(may_fail=dice > 0.9)).name in ("tick", "roll", "drop", "replay"):
            continue
        return step
