"""Sends events to webhook endpoints, many at a time, and again on the account's clock."""

import asyncio
import heapq
import itertools
import random
import time
from dataclasses import dataclass, field, replace

from local.stripe.accounts import Account
from local.stripe.delivery import endpoints, signature
from local.stripe.delivery.settings import DeliverySettings
from local.stripe.delivery.transport import Transport
from local.stripe.delivery.versioned import body_for
from local.stripe.shapes import Json

# Stripe delivers many events at once; more than this only queues inside the receiver.
_AT_ONCE = 64
# The longest nap: the clock may be advanced without our noticing on another thread.
_NAP_SECONDS = 0.5
# Only 2xx counts: a redirect is a failure.
_SUCCESS = 2


@dataclass(order=True, slots=True)
class Due:
    """One attempt to come; `at` is the account's time."""

    at: float
    order: int
    event_id: str = field(compare=False)
    endpoint_id: str = field(compare=False)
    number: int = field(compare=False, default=1)


@dataclass(slots=True)
class Attempt:
    """One attempt that was made, as `GET /_test/deliveries` shows it."""

    event: str
    type: str
    endpoint: str
    attempt: int
    status: int | None
    error: str | None
    signature_timestamp: int
    account_time: int
    duration_ms: int

    def described(self) -> Json:
        """The attempt as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


class Outbox:
    """One account's deliveries."""

    def __init__(self, account: Account, transport: Transport, settings: DeliverySettings) -> None:
        self.account = account
        self.settings = settings
        self.attempts: list[Attempt] = []
        self.held: list[Due] = []
        self._transport = transport
        self._due: list[Due] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def accept(self, event: Json) -> None:
        """A new event: plans its deliveries to every endpoint that wants it."""
        store = self.account.store
        wanting = [
            endpoint["id"]
            for endpoint in store.oldest("webhook_endpoint")
            if endpoints.wants(endpoint, event["type"])
        ]
        event["pending_webhooks"] = len(wanting)
        event["_waiting_for"] = wanting
        for endpoint_id in wanting:
            if random.random() < self.settings.drop:
                continue
            self._plan(event["id"], endpoint_id, self.settings)

    def resend(self, event: Json, endpoint_id: str | None = None) -> int:
        """One more copy now to each endpoint that wants it (or to one); answers how many."""
        planned = 0
        for endpoint in self.account.store.oldest("webhook_endpoint"):
            chosen = endpoint_id in {None, endpoint["id"]}
            if chosen and endpoints.wants(endpoint, event["type"]):
                self._push(Due(0, next(self._order), event["id"], endpoint["id"]))
                planned += 1
        return planned

    def release(self, order: str | list[str], copies: int) -> int:
        """Sends what was held, in this order; answers how many copies go out."""
        chosen = self._chosen(order)
        kept = {id(due) for due in chosen}
        self.held = [due for due in self.held if id(due) not in kept]
        for due in chosen:
            for _ in range(copies):
                self._push(replace(due, at=0, order=next(self._order)))
        return len(chosen) * copies

    def wake(self) -> None:
        """Looks at what is due now: after the clock was advanced."""
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def pending(self) -> int:
        """How many attempts are planned or under way."""
        return len(self._due) + len(self._sending)

    def clear(self, settings: DeliverySettings) -> None:
        """Forgets what was sent and what is planned."""
        self.settings = settings
        self.attempts.clear()
        self._due.clear()
        self.held.clear()

    def stop(self) -> None:
        """Ends everything that is under way."""
        self._due.clear()
        self.held.clear()
        for task in (self._task, *self._sending):
            if task is not None:
                task.cancel()

    def _chosen(self, order: str | list[str]) -> list[Due]:
        if isinstance(order, str):
            return list(self.held) if order == "forward" else list(reversed(self.held))
        return [due for wanted in order for due in self.held if due.event_id == wanted]

    def _plan(self, event_id: str, endpoint_id: str, settings: DeliverySettings) -> None:
        now = self.account.clock.exact()
        for _ in range(settings.copies):
            at = now + settings.delay_seconds + random.random() * settings.shuffle_seconds
            due = Due(at, next(self._order), event_id, endpoint_id)
            if settings.hold:
                self.held.append(due)
            else:
                self._push(due)

    def _push(self, due: Due) -> None:
        heapq.heappush(self._due, due)
        self.wake()

    async def _run(self) -> None:
        """Starts each attempt when its time has come; ends when none is left."""
        while self._due:
            while self._due and len(self._sending) < _AT_ONCE and self._is_due():
                task = asyncio.create_task(self._attempt(heapq.heappop(self._due)))
                self._sending.add(task)
                task.add_done_callback(self._sent)
            self._wake.clear()
            if self._due:
                await self._nap()

    def _is_due(self) -> bool:
        return self._due[0].at <= self.account.clock.exact()

    async def _nap(self) -> None:
        ahead = self._due[0].at - self.account.clock.exact()
        timeout = max(min(ahead, _NAP_SECONDS), 0.001) if ahead > 0 else _NAP_SECONDS
        try:
            await asyncio.wait_for(self._wake.wait(), timeout)
        except TimeoutError:
            return

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()

    async def _attempt(self, due: Due) -> None:
        store = self.account.store
        event = store.find("event", due.event_id)
        endpoint = store.find("webhook_endpoint", due.endpoint_id)
        if event is None or endpoint is None or endpoint["status"] != "enabled":
            return
        body = body_for(event, endpoint)
        # A signature's time is wall time, whatever the account's clock says.
        stamp = int(time.time())
        signed = signature.header(body, endpoints.live_secrets(endpoint, self.account.clock), stamp)
        began = time.monotonic()
        status, error = await self._transport.post(endpoint["url"], body, signed)
        self.attempts.append(
            Attempt(
                event=due.event_id,
                type=event["type"],
                endpoint=due.endpoint_id,
                attempt=due.number,
                status=status,
                error=error,
                signature_timestamp=stamp,
                account_time=self.account.clock.now(),
                duration_ms=round((time.monotonic() - began) * 1000),
            )
        )
        self._note(due, event, endpoint, succeeded=status is not None and status // 100 == _SUCCESS)

    def _note(self, due: Due, event: Json, endpoint: Json, *, succeeded: bool) -> None:
        """Counts a success once, and plans the next attempt after a failure."""
        endpoints.note_result(endpoint, self.account.clock, succeeded=succeeded)
        if succeeded:
            if due.endpoint_id in event["_waiting_for"]:
                event["_waiting_for"].remove(due.endpoint_id)
                event["pending_webhooks"] = len(event["_waiting_for"])
            return
        schedule = self.settings.retry_seconds
        if due.number <= len(schedule):
            at = self.account.clock.exact() + schedule[due.number - 1]
            again = Due(at, next(self._order), due.event_id, due.endpoint_id, due.number + 1)
            self._push(again)
