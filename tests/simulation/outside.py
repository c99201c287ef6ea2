"""What the use cases ask of the world besides state: Stripe, lease, secrets, telemetry, time."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from paidonce.domain.errors import OutcomeUnknown, StripeRefused, TryAgain
from paidonce.domain.payment import INTENTS_PATH
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import StripeCall
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.stripe_ports import Answer

from tests.simulation.model_stripe import (
    KeyReused,
    ModelStripe,
    NoSuchThing,
    Post,
    Refused,
    Scene,
)

VISIBILITY_SECONDS = 360
# What the reader asks to be shown whole (adapters/stripe_gateway.py).
EXPANDED = {"invoice": ("payments",), "subscription": ("latest_invoice",)}
_ENDED = ("canceled", "incomplete_expired")
# A receiver asks for fresh secrets at most this often, and keeps what it has this long.
REFRESH_SECONDS, CACHE_SECONDS = 60, 300


class WorldClock:
    """The one clock: time passes only when told."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        """Seconds since 1970."""
        return self.time

    def pause(self, seconds: float) -> None:
        """Let that much time pass."""
        self.time += seconds


class Calls:
    """Calls to Stripe: `during(name)` is where others act while one is under way."""

    def __init__(self, stripe: ModelStripe, clock: WorldClock) -> None:
        self._stripe = stripe
        self._clock = clock
        self.during: Callable[[str], None] = lambda _: None
        self.calls = 0
        self.looking_at: str | None = None

    def _slow(self) -> None:
        """From 40 ms to 1.3 s, half of a call."""
        self.calls += 1
        self._clock.pause((0.04, 0.11, 0.3, 1.3)[self.calls * 7 % 4])

    def retrieve(self, resource: str, object_id: str) -> Sighting:
        """See `StripeReader.retrieve`: a failed invoice is looked at after its subscription."""
        seen = self._looked(resource, object_id)
        latest = seen.object.get("latest_invoice")
        if resource != "subscription" or not isinstance(latest, dict) or not latest["attempted"]:
            return seen
        return replace(
            seen,
            object={**seen.object, "latest_invoice": self._looked("invoice", latest["id"]).object},
        )

    def _looked(self, resource: str, object_id: str) -> Sighting:
        """As it is somewhere between the request and the answer."""
        assert resource
        self.looking_at = object_id
        started = self._clock.now()
        self._slow()
        self.during("retrieve.before")
        try:
            text = self._stripe.get(object_id, expand=EXPANDED.get(resource, ()))
        except NoSuchThing as error:
            raise StripeRefused("no such object", http_status=404) from error
        self.during("retrieve.after")
        self._slow()
        return Sighting.of_call(
            json.loads(text),
            date=self._stripe.second(),
            duration_seconds=self._clock.now() - started,
        )

    def event(self, event_id: str) -> StripeEvent:
        """See `StripeReader.event`."""
        self._slow()
        try:
            return StripeEvent.parse(self._stripe.event(event_id))
        except NoSuchThing as error:
            raise StripeRefused("no such event", http_status=404) from error


class Gateway(Calls):
    """Our POSTs. `scene` is where they are made, `posts` what each path does there."""

    def __init__(
        self, stripe: ModelStripe, clock: WorldClock, scene: Scene, posts: Mapping[str, Post]
    ) -> None:
        super().__init__(stripe, clock)
        self._scene = scene
        self._posts = posts

    def create_intent(
        self, params: Mapping[str, Any], *, idempotency_key: str, time_left: TimeLeft
    ) -> Answer:
        """See `PaymentGateway.create_intent`; tries of one call are told apart by schedules."""
        call = StripeCall(
            kind="create", idempotency_key=idempotency_key, path=INTENTS_PATH, params=params
        )
        return self.send(call, time_left=time_left)

    def send(self, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """See `StripeGateway.send`."""
        if time_left() <= 0:
            raise OutcomeUnknown("no time left")
        started = self._clock.now()
        self._slow()
        text, is_replayed = self._posted(call)
        self.during("create.after")
        self._slow()
        seen = Sighting.of_call(
            json.loads(text),
            date=self._stripe.second(),
            duration_seconds=self._clock.now() - started,
            source=Source.ANSWER,
        )
        return Answer(seen=seen, request_id="req_answer", replayed=is_replayed)

    def _posted(self, call: StripeCall) -> tuple[str, bool]:
        post, key, object_id = self._posts[call.path], call.idempotency_key, call.object_id or ""
        try:
            return self._stripe.posted(
                key,
                {"path": call.path, "id": object_id, **call.params},
                lambda: post(self._scene, call.params, object_id, key),
                expand=EXPANDED.get(call.kind, ()),
            )
        except KeyReused as error:
            raise StripeRefused(
                "same key, other request", stripe_code="idempotency_error", http_status=400
            ) from error
        except NoSuchThing as error:
            raise StripeRefused(
                "no such object", stripe_code="resource_missing", http_status=404
            ) from error
        except Refused as error:
            raise StripeRefused(
                "wrong state", stripe_code=error.code, param=error.param, http_status=400
            ) from error

    def intent(self, intent_id: str, *, time_left: TimeLeft) -> Answer:
        """See `PaymentGateway.intent`."""
        return self.get("payment_intent", intent_id, time_left=time_left)

    def get(
        self,
        resource: str,
        object_id: str,
        *,
        time_left: TimeLeft,
        expand: Sequence[str] = (),
        may_be_absent: bool = False,
    ) -> Answer:
        """See `StripeGateway.get`."""
        assert not may_be_absent
        # Of what is asked for beside, nothing is kept.
        assert {name.partition(".")[0] for name in expand} <= {
            *EXPANDED.get(resource, ()),
            "pending_setup_intent",
        }
        if time_left() <= 0:
            raise TryAgain("no time left")
        return Answer(seen=self._looked(resource, object_id), request_id="r", replayed=False)

    def listed(
        self,
        resource: str,
        *,
        created_from: int,
        created_to: int | None = None,
        time_left: TimeLeft,
        only: Mapping[str, Any] | None = None,
    ) -> Iterable[Mapping[str, Any]]:
        """See `StripeGateway.listed`; subscriptions that have ended only if asked for."""
        assert only in (None, {"status": "all"})
        if time_left() <= 0:
            raise TryAgain("no time left")
        self._slow()
        end = self._stripe.second() if created_to is None else created_to
        things = [
            thing.document
            for thing in self._stripe.of(resource)
            if created_from <= thing.path[0]["created"] <= end
            and (only or resource != "subscription" or thing.document["status"] not in _ENDED)
        ]
        self._slow()
        return things[::-1]


class SimulatedLease:
    """Powertools' record: held until its invocation's deadline, and remembered once it is done."""

    def __init__(
        self,
        clock: WorldClock,
        deadline: Callable[[], float],
        *,
        remembered_seconds: int = VISIBILITY_SECONDS,
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._remembered_seconds = remembered_seconds
        self._records: dict[str, tuple[bool, float]] = {}

    def hold(self, key: str, work: Callable[[], None]) -> bool:
        """See `Lease.hold`; a worker that dies leaves its record behind."""
        is_done, until = self._records.get(key, (False, 0.0))
        if until > self._clock.now():
            if is_done:
                return False
            raise TryAgain(f"{key} is being worked on")
        done_until = self._clock.now() + self._remembered_seconds
        self._records[key] = (False, self._deadline())
        try:
            work()
        except Exception:
            del self._records[key]
            raise
        self._records[key] = (True, done_until)
        return True


class SecretStore:
    """Secrets Manager, and what one receiver has cached of it."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self.stored: list[str] = ["signing-0"]
        self.pending: list[str] = []
        self._cached: list[str] = []
        self._cached_until = 0.0
        self._refreshed_at = 0.0

    def current(self, name: str) -> Sequence[str]:
        """See `SigningSecrets.current`."""
        assert name
        if self._clock.now() >= self._cached_until:
            self._cache(self.stored)
        return self._cached

    def refreshed(self, name: str) -> Sequence[str] | None:
        """See `SigningSecrets.refreshed`."""
        assert name
        if self._clock.now() - self._refreshed_at < REFRESH_SECONDS:
            return None
        self._refreshed_at = self._clock.now()
        self._cache([*self.stored, *self.pending])
        return self._cached

    def _cache(self, secrets: list[str]) -> None:
        self._cached = list(secrets)
        self._cached_until = self._clock.now() + CACHE_SECONDS


class Tally:
    """`Telemetry` that counts; lines of the log are nobody's business here."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def count(self, metric: str, value: int = 1) -> None:
        """See `Telemetry.count`."""
        self.counts[metric] += value

    def alarm(self, metric: str) -> None:
        """See `Telemetry.alarm`."""
        self.count(metric)

    def fact(self, message: str, **ids: str | float | None) -> None:
        """See `Telemetry.fact`."""

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """See `Telemetry.fault`."""
        assert message
        assert ids is not None
        self.faults[type(error).__name__] += 1

    def place_of(self, error: BaseException) -> str | None:
        """See `Telemetry.place_of`."""
        return type(error).__name__

    def correlated(self, correlation_id: str | None) -> nullcontext[None]:
        """See `Telemetry.correlated`."""
        assert correlation_id != ""
        return nullcontext()

    def invocation(self, **ids: str) -> nullcontext[None]:
        """Around one invocation of the receiver."""
        assert ids
        return nullcontext()
