"""A model of Stripe that knows nothing of our domain: objects, events, deliveries, keys, its clock.

What it may do to us is what Stripe's documentation allows: any order, copies, two Event objects for
one change, redelivery for three days, keys forgotten after a day, a `Date` of whole seconds.
"""

import hmac
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tests.simulation.dice import Dice

DAY = 86_400
# Seconds after a failed attempt; then every twelve hours, until three days have passed.
RETRIES = (60, 300, 1_800, 7_200, 18_000, 36_000)
REDELIVERS_SECONDS = 3 * DAY
LISTS_SECONDS = 30 * DAY
KEYS_LAST_SECONDS = DAY


@dataclass
class Thing:
    """An object at Stripe. `path` are the documents that it was, oldest first.

    `role` says whose it is, for the checks: `ours`, `stray`, `foreign`, `orphan`. `label` is
    the same in a schedule with fewer steps, so that a choice by it is the same too.
    """

    id: str
    document: dict[str, Any]
    role: str
    label: int
    key: str | None = None
    is_amended: bool = False
    events: int = 0
    path: list[dict[str, Any]] = field(default_factory=list)
    # What Stripe knows of it and does not show.
    hidden: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Stripe's own word for where it stands."""
        return str(self.document["status"])

    @property
    def kind(self) -> str:
        """Stripe's word for what it is."""
        return str(self.document["object"])


@dataclass(frozen=True)
class Happening:
    """One Event object. `role` is its object's, or what is special about the event itself."""

    id: str
    type: str
    created: int
    at: float
    payload: bytes
    object_id: str
    role: str
    label: int
    livemode: bool = False


@dataclass
class Webhook:
    """One delivery that Stripe still owes; `due` in our seconds."""

    event: Happening
    due: float
    attempt: int = 0

    @property
    def label(self) -> int:
        """Of its event."""
        return self.event.label


class Labelled(Protocol):
    """What a step can choose."""

    @property
    def label(self) -> int:
        """A number that does not depend on what else there is."""
        ...


L = TypeVar("L", bound=Labelled)


def chosen(among: Sequence[L], number: int) -> L:
    """One of them by a number: the same one when there are fewer others."""
    return min(among, key=lambda it: (it.label ^ number) * 2_654_435_761 & 0xFFFFFFFF)


class NoSuchThing(Exception):  # noqa: N818 - Stripe's 404
    """There is none of that id."""


class KeyReused(Exception):  # noqa: N818 - Stripe's idempotency_error
    """The same key came with another request."""


class Refused(Exception):  # noqa: N818 - Stripe's 400
    """A request that the object's state does not allow. `code` and `param` are Stripe's."""

    def __init__(self, code: str | None, *, param: str | None = None) -> None:
        super().__init__(code or param)
        self.code = code
        self.param = param


class Scene(Protocol):
    """What a change at Stripe needs: Stripe, the step's dice, and its number."""

    @property
    def stripe(self) -> "ModelStripe":
        """Where it happens."""
        ...

    @property
    def dice(self) -> Dice:
        """How it happens."""
        ...

    @property
    def step_number(self) -> int:
        """The same in a schedule with fewer steps."""
        ...


# What a POST does: (scene, parameters, id in the path, idempotency key). Raises Refused.
Post = Callable[[Scene, Mapping[str, Any], str, str], Thing]


class ModelStripe:
    """Everything that Stripe holds. `clock` is the world's; Stripe's own differs by `skew`.

    `enabled` are the event types that our endpoint asks for; of others there is no event.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        enabled: frozenset[str],
        skew: float = 0.0,
    ) -> None:
        self._clock = clock
        self._skew = skew
        self.enabled = enabled
        self.happened: Counter[str] = Counter()
        self.things: dict[str, Thing] = {}
        self._of_kind: dict[str, list[Thing]] = defaultdict(list)
        self.events: dict[str, Happening] = {}
        self.webhooks: list[Webhook] = []
        self.given_up: list[Happening] = []
        self.signing: list[str] = ["signing-0"]
        self.keys: dict[str, tuple[float, str, str | Refused]] = {}

    def second(self) -> int:
        """What a `Date` header says now."""
        return int(self._clock() + self._skew)

    # --- objects and their events ---------------------------------------------------------------

    def add(
        self,
        prefix: str,
        document: dict[str, Any],
        *,
        role: str,
        label: str,
        key: str | None = None,
    ) -> Thing:
        """A new object; its id is the next of its prefix."""
        thing_id = f"{prefix}_{len(self.things) + 1:03d}"
        number = zlib.crc32(label.encode())
        shown = {"id": thing_id, "created": self.second(), **document}
        thing = Thing(thing_id, shown, role, number, key)
        thing.path.append(thing.document)
        self.things[thing_id] = thing
        self._of_kind[thing.kind].append(thing)
        return thing

    def existing(self, thing_id: str) -> Thing:
        """The object of this id; raises NoSuchThing."""
        if thing_id not in self.things:
            raise NoSuchThing(thing_id)
        return self.things[thing_id]

    def of(self, kind: str, *roles: str) -> list[Thing]:
        """All objects of a kind, or those of some roles."""
        things = self._of_kind[kind]
        return [thing for thing in things if thing.role in roles] if roles else things

    def change(self, thing: Thing, changes: Mapping[str, Any]) -> None:
        """The object as it is from now on."""
        thing.document = {**thing.document, **changes}
        thing.path.append(thing.document)

    def happen(
        self,
        thing: Thing,
        event_type: str,
        *,
        delays: tuple[float, ...] = (0.0,),
        role: str | None = None,
        livemode: bool = False,
        without: str | None = None,
    ) -> Happening:
        """An Event object about it, as it stands, with a delivery after each of the delays."""
        event_id = f"evt_{len(self.events) + 1:03d}"
        shown = {name: value for name, value in thing.document.items() if name != without}
        payload = json.dumps(
            {
                "id": event_id,
                "object": "event",
                "type": event_type,
                "created": self.second(),
                "livemode": livemode,
                "api_version": "2026-10-28.endive",
                "data": {"object": shown},
                "request": {"id": f"req_{event_id}", "idempotency_key": thing.key},
                "pending_webhooks": 1,
            }
        ).encode()
        event = Happening(
            event_id,
            event_type,
            self.second(),
            self._clock(),
            payload,
            thing.id,
            role or thing.role,
            thing.label + 7919 * thing.events,
            livemode,
        )
        thing.events += 1
        self.events[event_id] = event
        self.webhooks += [Webhook(event, self._clock() + delay) for delay in delays]
        return event

    def tell(self, thing: Thing, event_type: str, dice: Dice) -> None:
        """One Event object, sometimes two for one change, if our endpoint asks for the type."""
        if event_type not in self.enabled:
            return
        self.happen(thing, event_type, delays=self._delays(dice))
        if dice.upto(12) == 0:
            self.happened["two events for one change"] += 1
            self.happen(thing, event_type, delays=self._delays(dice))

    def _delays(self, dice: Dice) -> tuple[float, ...]:
        delays: list[float] = [(0, 0, 0, 0.3, 1, 4, 70, 3700)[dice.upto(8)]]
        if dice.upto(3) == 0:
            delays.append((0, 0, 2, 61 * 60, 3 * DAY, 29.5 * DAY)[dice.upto(6)])
            self.happened["webhook copied"] += 1
        return tuple(delays)

    # --- the API --------------------------------------------------------------------------------

    def get(self, thing_id: str, *, expand: Sequence[str] = ()) -> str:
        """The object as text, as it is at this moment; fields to expand hold an id, or nothing."""
        thing = self.existing(thing_id)
        document = dict(thing.document)
        for name in expand:
            if name in thing.hidden:
                document[name] = thing.hidden[name]
            elif document.get(name) is not None:
                document[name] = self.existing(document[name]).document
        return json.dumps(document)

    def event(self, event_id: str) -> str:
        """An event as text; Stripe keeps them for 30 days."""
        event = self.events.get(event_id)
        if event is None or self._clock() - event.at > LISTS_SECONDS:
            raise NoSuchThing(event_id)
        return event.payload.decode()

    def listed(self) -> list[Happening]:
        """Every event that GET /v1/events still shows, oldest first."""
        return [e for e in self.events.values() if self._clock() - e.at <= LISTS_SECONDS]

    def posted(
        self,
        key: str,
        params: Mapping[str, Any],
        do: Callable[[], Thing],
        *,
        expand: Sequence[str] = (),
    ) -> tuple[str, bool]:
        """The first answer under this key, made now or (True) then; a refusal is an answer too.

        https://docs.stripe.com/api/idempotent_requests
        """
        asked = json.dumps(params, sort_keys=True)
        stored = self.keys.get(key)
        if stored is not None and self._clock() - stored[0] <= KEYS_LAST_SECONDS:
            if stored[1] != asked:
                raise KeyReused(key)
            return _given(stored[2]), True
        answer: str | Refused
        try:
            answer = self.get(do().id, expand=expand)
        except Refused as refusal:
            answer = refusal
        self.keys[key] = (self._clock(), asked, answer)
        return _given(answer), False

    # --- webhooks -------------------------------------------------------------------------------

    def due(self) -> list[Webhook]:
        """Deliveries whose time has come."""
        now = self._clock()
        return [webhook for webhook in self.webhooks if webhook.due <= now]

    def signed(self, event: Happening) -> str:
        """The signature header of an attempt made now, one `v1` for each live secret."""
        at = self.second()
        signed = b"%d.%b" % (at, event.payload)
        signatures = [
            hmac.digest(secret.encode(), signed, "sha256").hex() for secret in self.signing
        ]
        return ",".join([f"t={at}", *(f"v1={signature}" for signature in signatures)])

    def try_later(self, webhook: Webhook) -> None:
        """An attempt that was not accepted is made again later, for three days."""
        pause = RETRIES[webhook.attempt] if webhook.attempt < len(RETRIES) else DAY / 2
        due = self._clock() + pause
        if due - webhook.event.at > REDELIVERS_SECONDS:
            self.given_up.append(webhook.event)
        else:
            self.webhooks.append(Webhook(webhook.event, due, webhook.attempt + 1))

    def drop(self, webhook: Webhook) -> None:
        """A delivery that never comes: the endpoint was off, or three days were over."""
        self.webhooks.remove(webhook)
        self.given_up.append(webhook.event)


def _given(answer: str | Refused) -> str:
    if isinstance(answer, Refused):
        raise answer
    return answer
