"""The stand-in as an ASGI application: the API under /v1, `/_test`, and the hosted pages."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from starlette.applications import Starlette

import local.stripe.resources.all  # noqa: F401 - importing the resources fills the router
from local.stripe.accounts import Account, Accounts
from local.stripe.controls.routes import control_routes
from local.stripe.controls.world import World
from local.stripe.delivery.outbox import Outbox
from local.stripe.delivery.settings import (
    LIVE_RETRY_SECONDS,
    TEST_RETRY_SECONDS,
    DeliverySettings,
)
from local.stripe.delivery.transport import Transport
from local.stripe.errors import Lost
from local.stripe.pages.routes import page_routes
from local.stripe.pipeline import Inspector, Pipeline, Request
from local.stripe.router import ROUTER
from local.stripe.timekeeper import Timekeeper

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# No request of Stripe's API is near this; a larger one is refused unread.
_BODY_BYTES_MAX = 4_000_000
# Browsers call Stripe's API from the shop's own pages.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
    "Access-Control-Expose-Headers": "Request-Id, Idempotent-Replayed",
    "Access-Control-Max-Age": "300",
}


class _Cycle(Protocol):
    """The part of uvicorn's request cycle that closes a connection without an answer."""

    transport: asyncio.Transport
    disconnected: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """How this stand-in runs."""

    default_key: str | None = None
    retry_seconds: tuple[float, ...] | None = None
    rate_limits: bool = False
    inspect: Inspector | None = None


class Application:
    """Every account of one server, behind one ASGI callable."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.transport = Transport()
        self.world = World(Accounts(self._opened, self.settings.default_key))
        self.pipeline = Pipeline(self.world.accounts, ROUTER, self.settings.inspect)
        self.side = Starlette(routes=[*control_routes(self.world), *page_routes(self.world)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"].startswith("/_test") or scope["path"].startswith("/pages/"):
            await self.side(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    def _opened(self, account: Account) -> None:
        """A new account gets its outbox."""
        schedule = self.settings.retry_seconds
        if schedule is None:
            schedule = LIVE_RETRY_SECONDS if account.livemode else TEST_RETRY_SECONDS
        account.rate_limits.on = self.settings.rate_limits
        outbox = Outbox(account, self.transport, DeliverySettings(retry_seconds=schedule))
        account.listeners.append(outbox.accept)
        self.world.outboxes[account.number] = outbox
        self.world.timekeepers[account.number] = Timekeeper(account)

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await _send(send, 200, {**_CORS, "Content-Length": "0"}, b"")
            return
        body = await _read(receive)
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers={
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            },
            body=body,
            base_url=_base_url(scope),
        )
        try:
            answer = await self.pipeline.answer(request)
        except Lost:
            await _hang_up(send)
            return
        length = {"Content-Length": str(len(answer.body))}
        await _send(send, answer.status, {**answer.headers, **_CORS, **length}, answer.body)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.world.stop()
                await self.transport.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    parts = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= _BODY_BYTES_MAX:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _base_url(scope: Scope) -> str:
    host, port = scope["server"]
    return f"{scope.get('scheme', 'http')}://{host}:{port}"


async def _hang_up(send: Send) -> None:
    """Closes the connection: ASGI has no word for it, but `send` is a method of uvicorn's cycle."""
    cycle = cast("_Cycle", cast("Any", send).__self__)
    cycle.disconnected = True
    cycle.transport.abort()
    await asyncio.sleep(0)
