"""What tests and tools ask of the embedded AWS beside AWS's own interface, under /_paidonce/.

| call | does |
|---|---|
| `GET health` | the server's own process id |
| `POST token` `{issuer, audience, subject, scopes, valid_seconds, claims}` | a JWT of that pool |
| `GET workers` | function, version, process id and state of each Lambda worker |
| `GET calls` | how often each call of AWS was made, by its `X-Amz-Target`; DynamoDB's units |
| `POST tick` | publishes the clock's metrics and evaluates every alarm now |

It binds 127.0.0.1 with the rest, and anybody who can call it can also read every secret there.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ministack import app as ministack_app
from ministack.core import concurrency, responses
from ministack.services import cognito

from local.aws import alarms, capacity, workers
from local.aws.patching import JsonObject, replace

logger = logging.getLogger("paidonce.controls")

PREFIX = "/_paidonce/"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ministack = ministack_app.app
_calls: Counter[str] = Counter()


class BadRequestError(Exception):
    """The call says something that this route cannot use; its text is for the caller."""


def install() -> None:
    """Put the controls in front of ministack's application."""
    replace(ministack_app, "app", application)


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application: our routes, else ministack's."""
    if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
        await _ministack(scope, await _counted(scope, receive), send)
        return
    try:
        body = await _read(receive)
        status, answer = 200, await _answer(scope["method"], scope["path"], body)
    except BadRequestError as error:
        status, answer = 400, {"error": str(error)}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def _counted(scope: Message, receive: Receive) -> Receive:
    """Note a call of one of AWS's JSON protocols; others name what they want elsewhere."""
    header = dict(scope.get("headers") or ()).get(b"x-amz-target")
    if header is None:
        return receive
    target = header.decode("ascii", "replace")
    _calls[target] += 1
    if not target.startswith(capacity.PREFIX):
        return receive
    body = await _bytes_of(receive)
    try:
        capacity.note(target, body)
    except (ValueError, KeyError, TypeError, AttributeError):
        # What is no call of DynamoDB's shape is for ministack to refuse.
        logger.warning("A call of DynamoDB could not be counted.")
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


async def _answer(method: str, path: str, body: JsonObject) -> JsonObject:
    match (method, path.removeprefix(PREFIX)):
        case ("POST", "token"):
            return {"token": signed_token(body)}
        case ("GET", "health"):
            return {"pid": os.getpid()}
        case ("GET", "calls"):
            return {"calls": dict(_calls), "dynamodb_units": dict(capacity.units)}
        case ("GET", "workers"):
            return {"workers": workers.running()}
        case ("POST", "tick"):
            await concurrency.run_offloop(alarms.tick)
            return {}
    raise BadRequestError(f"{method} {path} is not one of our controls.")


def signed_token(request: JsonObject) -> str:
    """A token of the pool that the issuer names; `claims` may replace or (null) remove any."""
    try:
        issuer, audience = request["issuer"], request["audience"]
        subject, scopes = request["subject"], request["scopes"]
    except KeyError as missing:
        raise BadRequestError(f"The request lacks {missing}.") from None
    now = int(time.time())
    claims = {
        "sub": subject,
        "iss": issuer,
        "client_id": audience,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iat": now,
        "exp": now + int(request.get("valid_seconds", 3600)),
        "jti": responses.new_uuid(),
        **(request.get("claims") or {}),
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    token: str = cognito._signed_jwt(claims, issuer.rsplit("/", 1)[-1], "access")
    return token


async def _bytes_of(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _read(receive: Receive) -> JsonObject:
    text = await _bytes_of(receive)
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise BadRequestError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequestError("The body is not a JSON object.")
    return body
