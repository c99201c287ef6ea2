"""The way of one API request: key, fault, limits, permission, parameters, idempotency, work."""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate

from local.stripe import form, keys, permissions, rate_limits, versions
from local.stripe.accounts import Account, Accounts, RequestMark
from local.stripe.call import Call
from local.stripe.errors import Lost, StripeError, unknown_url
from local.stripe.faults import Fault
from local.stripe.identifiers import random_letters
from local.stripe.keys import ApiKey
from local.stripe.rendering import rendered
from local.stripe.router import Route, Router
from local.stripe.shapes import Json
from local.stripe.spec import parameters
from local.stripe.spec.document import has_path
from local.stripe.spec.releases import in_release
from local.stripe.witness import Asked

_LOGGER = logging.getLogger(__name__)

# Looks at each answer of status 200 before it goes out; tests compare it with the document.
Inspector = Callable[[Call, Route, Json], None]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, read to its end."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes
    base_url: str


@dataclass(slots=True)
class Answer:
    """An HTTP answer of the API."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Progress:
    """What is known of a request so far, for its answer's headers."""

    request_id: str = field(default_factory=lambda: f"req_{random_letters(14)}")
    account: Account | None = None
    version: str = versions.DEFAULT
    idempotency_key: str | None = None
    replayed_from: str | None = None


class Pipeline:
    """Answers API requests for all accounts."""

    def __init__(
        self, accounts: Accounts, router: Router, inspect: Inspector | None = None
    ) -> None:
        self.accounts = accounts
        self.router = router
        self.inspect = inspect

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; Lost when the connection is to close without one."""
        progress = _Progress()
        headers: dict[str, str] = {}
        try:
            status, body = await self._worked(request, progress)
        except StripeError as error:
            account_id = progress.account.id if progress.account else None
            status, headers = error.status, error.headers
            body = as_bytes(error.body(progress.request_id, account_id))
        except Lost:
            raise
        except Exception:
            # A bug of ours looks like one of Stripe's; the log has what it was.
            _LOGGER.exception("%s %s failed.", request.method, request.path)
            status, headers = 500, {}
            body = as_bytes(_server_error(500, stored=False).body(progress.request_id, None))
        return Answer(status, body, {**_headers(progress), **headers})

    async def _worked(self, request: Request, progress: _Progress) -> tuple[int, bytes]:
        text = _key_text(request.headers.get("authorization", ""))
        account, key = self.accounts.of_key(text)
        progress.account = account
        given = request.headers.get("idempotency-key")
        account.witness.saw(Asked(request.method, request.path, key, given))
        fault = account.faults.take(request.method, request.path)
        _refuse_now(fault, key)
        release = versions.release_of(request.headers.get("stripe-version"))
        progress.version = request.headers.get("stripe-version", versions.DEFAULT)
        _check_other_account(request.headers.get("stripe-account"), account, key)
        found = self.router.find(request.method, request.path)
        if found is None or not has_path(found[0].path, release):
            permissions.check_unbuilt(key, request.method, request.path, account.id)
            raise unknown_url(request.method, request.path)
        route, values = found
        account.rate_limits.check(f"{route.method} {route.path}")
        permissions.check(key, route.method, route.path, account.id)
        call = Call(
            account=account,
            key=key,
            params={},
            path=values,
            url=request.path,
            release=release,
            version=progress.version,
        )
        account.base_url = request.base_url
        status, body = await self._once(call, route, request, progress, fault)
        if fault is not None and fault.kind == "lost_after":
            raise Lost
        return status, body

    async def _once(
        self, call: Call, route: Route, request: Request, progress: _Progress, fault: Fault | None
    ) -> tuple[int, bytes]:
        """The work, done once for each idempotency key."""
        given = _parameters(request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        progress.idempotency_key = key
        mark = RequestMark(progress.request_id, key)
        slow_seconds = fault.slow_seconds if fault is not None else 0
        if key is None:
            done = self._done(call, route, given, mark, fault)
            await asyncio.sleep(slow_seconds)
            return done
        book = call.account.idempotency
        known = book.begin(
            key,
            method=request.method,
            path=request.path,
            params=given,
            request_id=progress.request_id,
        )
        if known is not None:
            progress.replayed_from = known.request_id
            return known.status or 500, known.body
        try:
            status, body = self._done(call, route, given, mark, fault)
        except StripeError as error:
            if error.stored:
                body = as_bytes(error.body(progress.request_id, call.account.id))
                book.finish(key, error.status, body)
            else:
                book.forget(key)
            raise
        except BaseException:
            book.forget(key)
            raise
        if slow_seconds:
            # While the answer is on its way, the key is in use.
            await asyncio.sleep(slow_seconds)
        book.finish(key, status, body)
        return status, body

    def _done(
        self, call: Call, route: Route, given: Json, mark: RequestMark, fault: Fault | None
    ) -> tuple[int, bytes]:
        """The work itself, as one transaction of the account."""
        account = call.account
        call.params = parameters.checked(route.path, route.method, call.release, given)
        if fault is not None and fault.kind == "500":
            raise _marked(_server_error(500, stored=True), fault)
        account.request = mark
        try:
            shown = _shown(call, route.handler(call))
            if self.inspect is not None:
                self.inspect(call, route, shown)
            body = as_bytes(shown)
        except StripeError as error:
            if error.keeps_changes:
                account.commit()
            else:
                account.rollback()
            raise
        except BaseException:
            account.rollback()
            raise
        finally:
            account.request = RequestMark()
        account.commit()
        return 200, body


def as_bytes(shown: Json) -> bytes:
    """JSON as Stripe writes it."""
    return json.dumps(shown, indent=2).encode()


def _shown(call: Call, result: Json) -> Json:
    expand: list[str] = call.params.get("expand") or []

    def may_see(kind: str) -> None:
        permissions.check_expanded(call.key, kind, call.account.id)

    return in_release(rendered(call.account, result, expand, may_see), call.release)


def _parameters(request: Request) -> Json:
    kind = request.headers.get("content-type", "")
    if request.body and not kind.startswith("application/x-www-form-urlencoded"):
        raise form.not_a_form()
    given = form.decode(request.query)
    given.update(form.decode(request.body))
    return given


def _key_text(authorization: str) -> str:
    """The key of a Bearer or Basic header."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return rest
    return ""


def _refuse_now(fault: Fault | None, key: ApiKey) -> None:
    """Faults that answer before anything is looked at."""
    if fault is None:
        return
    if fault.kind == "lost_before":
        raise Lost
    early: dict[str, Callable[[], StripeError]] = {
        "401": lambda: keys.expired(key.text),
        "429": lambda: rate_limits.too_many("global-rate"),
        "429_lock": rate_limits.locked,
        "503": lambda: _server_error(503, stored=False),
    }
    if fault.kind in early:
        raise _marked(early[fault.kind](), fault)


def _marked(error: StripeError, fault: Fault) -> StripeError:
    """The error with what the fault says about trying again."""
    if fault.should_retry is not None:
        error.headers["Stripe-Should-Retry"] = str(fault.should_retry).lower()
    return error


def _server_error(status: int, *, stored: bool) -> StripeError:
    return StripeError(
        status,
        "An unknown error occurred while processing your request.",
        kind="api_error",
        stored=stored,
    )


def _check_other_account(wanted: str | None, account: Account, key: ApiKey) -> None:
    if wanted is not None and wanted != account.id:
        raise StripeError(
            403,
            f"The provided key '{key.masked}' does not have access to account '{wanted}' (or that"
            " account does not exist). Application access may have been revoked.",
            code="account_invalid",
            stored=False,
        )


def _headers(progress: _Progress) -> dict[str, str]:
    # `Date` follows the account's clock, so that it can be compared with `created`.
    seconds = progress.account.clock.exact() if progress.account else None
    headers = {
        "Date": formatdate(seconds, usegmt=True),
        "Content-Type": "application/json",
        "Request-Id": progress.request_id,
        "Stripe-Version": progress.version,
        "Cache-Control": "no-cache, no-store",
    }
    if progress.idempotency_key is not None:
        headers["Idempotency-Key"] = progress.idempotency_key
        headers["Original-Request"] = progress.replayed_from or progress.request_id
    if progress.replayed_from is not None:
        headers["Idempotent-Replayed"] = "true"
    return headers
