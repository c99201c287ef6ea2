"""A model of Stripe that knows nothing of our domain: objects, events, deliveries, keys, its clock.

What it may do to us is what Stripe's documentation allows: any order, copies, two Event objects for
one change, redelivery for three days, keys forgotten after a day, a `Date` of whole seconds.
"""

import hmac
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

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

    @property
    def status(self) -> str:
        """Stripe's own word for where it stands."""
        return str(self.document["status"])


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


class ModelStripe:
    """Everything that Stripe holds. `clock` is the world's; Stripe's own differs by `skew`."""

    def __init__(self, clock: Callable[[], float], *, skew: float = 0.0) -> None:
        self._clock = clock
        self._skew = skew
        self.things: dict[str, Thing] = {}
        self.events: dict[str, Happening] = {}
        self.webhooks: list[Webhook] = []
        self.given_up: list[Happening] = []
        self.signing: list[str] = ["signing-0"]
        self.keys: dict[str, tuple[float, str, str, str]] = {}

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
        return thing

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
        )
        thing.events += 1
        self.events[event_id] = event
        self.webhooks += [Webhook(event, self._clock() + delay) for delay in delays]
        return event

    # --- the API --------------------------------------------------------------------------------

    def get(self, thing_id: str) -> str:
        """The object as text, as it is at this moment."""
        if thing_id not in self.things:
            raise NoSuchThing(thing_id)
        return json.dumps(self.things[thing_id].document)

    def event(self, event_id: str) -> str:
        """An event as text; Stripe keeps them for 30 days."""
        event = self.events.get(event_id)
        if event is None or self._clock() - event.at > LISTS_SECONDS:
            raise NoSuchThing(event_id)
        return event.payload.decode()

    def listed(self) -> list[Happening]:
        """Every event that GET /v1/events still shows, oldest first."""
        return [e for e in self.events.values() if self._clock() - e.at <= LISTS_SECONDS]

    def stored_answer(self, key: str, params: Mapping[str, Any]) -> str | None:
        """What the key's first request was answered; None for a new key or one long forgotten."""
        stored = self.keys.get(key)
        if stored is None or self._clock() - stored[0] > KEYS_LAST_SECONDS:
            return None
        if stored[1] != json.dumps(params, sort_keys=True):
            raise KeyReused(key)
        return stored[2]

    def store_answer(self, key: str, params: Mapping[str, Any], thing: Thing) -> str:
        """Keep the first answer under its key."""
        answer = json.dumps(thing.document)
        self.keys[key] = (self._clock(), json.dumps(params, sort_keys=True), answer, thing.id)
        return answer

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
