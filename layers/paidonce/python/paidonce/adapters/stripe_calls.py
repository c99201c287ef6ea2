"""One HTTP request to Stripe: sent by the Stripe library, timed, logged, judged."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote

import requests
import stripe
from stripe import _util as stripe_log

from paidonce.adapters.breaker import Breaker, KeySource, KeyTries
from paidonce.adapters.secrets import KeyVersion
from paidonce.domain import decline
from paidonce.domain.errors import CardDeclined, KeyRefused, StripeRefused
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.stripe_call import STATE_REFUSALS
from paidonce.domain.versions import PINNED
from paidonce.use_cases.ports import Clock, Telemetry

# The library would tell Stripe how long our calls take and on which platform.
stripe.enable_telemetry = False
# It logs messages at info and whole payloads at debug, to its logger and, if STRIPE_LOG says so, to
# stderr: both are off at every level. By level, since any logging.config undoes `disabled`.
stripe_log.logger.setLevel(logging.CRITICAL + 1)
stripe_log.STRIPE_LOG = None

# Only what looks like one of Stripe's own words is kept of an error or a header.
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.\-\[\]]{0,99}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is asked of Stripe. `path` is a template; `object_id` takes the place of `{id}` in it.

    `must_have` are the fields without which an answer is none. `may_be_absent`: a 404 is no bug.
    """

    method: Literal["get", "post", "delete"]
    path: str
    object_id: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    must_have: tuple[str, ...] = ("id",)
    may_be_absent: bool = False

    @property
    def url(self) -> str:
        """The path with the id in it."""
        return self.path.replace("{id}", quote(self.object_id or "", safe=""))


# Any read tells whether a key is known; this one every account has.
_PROBE = Call(method="get", path="/v1/balance")
_PROBE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A usable answer. `date` is Stripe's clock, whole seconds; `replayed`: stored there before."""

    document: Mapping[str, Any]
    date: int
    duration_seconds: float
    request_id: str | None
    replayed: bool

    def seen(self, source: Source) -> Sighting:
        """The object in it, between the seconds that this call proves."""
        return Sighting.of_call(
            self.document, date=self.date, duration_seconds=self.duration_seconds, source=source
        )


class CallFailed(Exception):  # noqa: N818 - errors are facts
    """No usable answer: what we asked may have been done.

    `is_worth_another_try`: with the same idempotency key, that is. `is_stored`: Stripe keeps the
    failure under that key and will give it again.
    """

    def __init__(self, what: str, *, is_worth_another_try: bool, is_stored: bool = False) -> None:
        super().__init__(what)
        self.is_worth_another_try = is_worth_another_try
        self.is_stored = is_stored


class StripeCalls:
    """Sends calls with one restricted key; every request leaves one log line and its metrics."""

    def __init__(
        self,
        key: KeySource,
        *,
        base_url: str,
        clock: Clock,
        telemetry: Telemetry,
        api_version: str = PINNED,
        breaker: Breaker | None = None,
    ) -> None:
        self._key = key
        self._tries = KeyTries(key, clock=clock, telemetry=telemetry)
        self._breaker = breaker
        self._base_url = base_url
        self._clock = clock
        self._telemetry = telemetry
        self._api_version = api_version
        # One pool of connections for all calls of a container; nothing is connected yet.
        self._session = requests.Session()

    def check(self) -> None:
        """Before anything is written for a call: is there a key that Stripe has not refused?

        Raises NotConfigured for a placeholder, KeyRefused while the breaker is open, TryAgain.
        """
        self._key.current()
        if self._breaker is not None:
            self._breaker.check(self._is_accepted)

    def send(self, call: Call, *, timeout_seconds: float, attempt: int = 1) -> Reply:
        """Send one request; on 401 with each other version of the key that is left to try.

        Raises CallFailed, CardDeclined, StripeRefused, and KeyRefused, which opens the breaker on
        401; as `check` when nothing may be sent.
        """
        self.check()
        for version in self._tries.each():
            try:
                return self._send(call, version.key, timeout_seconds, attempt)
            except KeyRefused as error:
                if error.http_status != _UNAUTHORIZED:
                    raise
                refusal = error
        if self._breaker is not None:
            self._breaker.open()
        raise refusal

    def _is_accepted(self, version: KeyVersion) -> bool:
        """Does Stripe know the key again? A 403 is an answer for a key that it knows."""
        started = self._clock.now()
        try:
            answer = self._client(version.key, _PROBE_SECONDS).raw_request("get", _PROBE.url)
        except stripe.StripeError as error:
            status = error.http_status
            self._note(_PROBE, 1, started, status, error.headers or {}, error)
            return status is not None and status != _UNAUTHORIZED and status < _SERVER_ERROR
        self._note(_PROBE, 1, started, answer.code, answer.headers)
        return True

    def _send(self, call: Call, key: str, timeout_seconds: float, attempt: int) -> Reply:
        started = self._clock.now()
        try:
            response = self._client(key, timeout_seconds).raw_request(
                call.method, call.url, **call.params, **_options(call)
            )
        except AttributeError as error:
            # The library takes an error's body apart unseen, and a proxy's is of another shape.
            self._note(call, attempt, started, None, {}, error)
            raise CallFailed("no answer of Stripe's", is_worth_another_try=True) from error
        except stripe.StripeError as error:
            self._note(call, attempt, started, error.http_status, error.headers or {}, error)
            raise self._judged(call, error) from error
        self._note(call, attempt, started, response.code, response.headers)
        document = response.data
        if not isinstance(document, dict) or not all(document.get(n) for n in call.must_have):
            raise CallFailed("the answer lacks what it must have", is_worth_another_try=True)
        return Reply(
            document=document,
            date=self._date(response.headers),
            duration_seconds=max(0.0, self._clock.now() - started),
            request_id=_word(response.headers.get("Request-Id")),
            replayed=_is_replayed(response.headers),
        )

    def _client(self, key: str, timeout_seconds: float) -> stripe.StripeClient:
        return stripe_client(
            key,
            base_url=self._base_url,
            api_version=self._api_version,
            timeout_seconds=timeout_seconds,
            session=self._session,
        )

    def _date(self, headers: Mapping[str, str]) -> int:
        """Stripe's clock; ours when a proxy took the header away."""
        try:
            return int(parsedate_to_datetime(headers["Date"]).timestamp())
        except (KeyError, TypeError, ValueError):
            return int(self._clock.now())

    def _note(
        self,
        call: Call,
        attempt: int,
        started: float,
        status: int | None,
        headers: Mapping[str, str],
        error: Exception | None = None,
    ) -> None:
        """One line and one metric for each request: ids and words, never a payload or a message."""
        self._telemetry.count("StripeCalls")
        if metric := _metric_of(status):
            self._telemetry.count(metric)
        self._telemetry.fact(
            "stripe call",
            method=call.method,
            path=call.path,
            object_id=call.object_id,
            status=status,
            stripe_request_id=_word(headers.get("Request-Id")),
            idempotency_key=call.idempotency_key,
            duration_ms=round(1000 * (self._clock.now() - started)),
            attempt=attempt,
            replayed="true" if _is_replayed(headers) else None,
            rate_limited_reason=_word(headers.get("Stripe-Rate-Limited-Reason")),
            error=type(error).__name__ if error else None,
            stripe_code=_code(error) if error else None,
            param=_word(_said(error, "param")) if error else None,
        )

    def _judged(self, call: Call, error: stripe.StripeError) -> Exception:
        """What an error of the library means for us (facts/stripe.md section 5)."""
        status = error.http_status
        headers = error.headers or {}
        advice = headers.get("Stripe-Should-Retry")
        if isinstance(error, stripe.APIConnectionError):
            return CallFailed("no answer", is_worth_another_try=error.should_retry)
        if status == _UNAUTHORIZED:
            return KeyRefused("Stripe does not accept the key", http_status=status)
        if status == _FORBIDDEN:
            self._telemetry.count("StripePermissionDenied")
            return KeyRefused("the key lacks a permission", http_status=status)
        if advice == "true" or status in _TEMPORARY or not _is_refusal(error):
            # A stored failure is given again for the same key, however often we ask.
            is_stored = _is_replayed(headers) and status is not None and status >= _SERVER_ERROR
            return CallFailed(
                f"status {status}",
                is_worth_another_try=advice != "false" and not is_stored,
                is_stored=is_stored,
            )
        if status == _PAYMENT_REQUIRED:
            return _declined(error)
        is_absence = call.may_be_absent and status == _NOT_FOUND
        if not is_absence and _code(error) not in STATE_REFUSALS:
            self._telemetry.count("InvalidRequest")
        return StripeRefused(
            f"Stripe refused {call.method} {call.path}",
            stripe_code=_code(error),
            param=_word(_said(error, "param")),
            http_status=status,
        )


def stripe_client(
    key: str,
    *,
    base_url: str,
    api_version: str,
    timeout_seconds: float,
    session: requests.Session,
) -> stripe.StripeClient:
    """A client for one request (20 microseconds), so that each try has its own timeouts."""
    connect_seconds = timeout_seconds / 3
    return stripe.StripeClient(
        key,
        base_addresses={"api": base_url},
        stripe_version=api_version,
        max_network_retries=0,
        http_client=stripe.RequestsClient(
            timeout=(connect_seconds, timeout_seconds - connect_seconds), session=session
        ),
    )


_UNAUTHORIZED, _PAYMENT_REQUIRED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERROR = 401, 402, 403, 404, 500
# 409: the key or the object is in use; 424: something behind Stripe failed; 429: too many requests.
_TEMPORARY = frozenset({409, 424, 429})


def _declined(error: stripe.StripeError) -> CardDeclined:
    """A normal event: the sentence is ours, made from the codes."""
    code, decline_code = _word(_said(error, "code")), _word(_said(error, "decline_code"))
    return CardDeclined(
        decline.message_for(code=code, decline_code=decline_code),
        stripe_code=code,
        decline_code=decline_code,
    )


def _options(call: Call) -> Mapping[str, Any]:
    return {"idempotency_key": call.idempotency_key} if call.idempotency_key else {}


def _is_refusal(error: stripe.StripeError) -> bool:
    """Stripe's own verdict on the request itself; all else leaves open what was done."""
    status = error.http_status or _SERVER_ERROR
    return 400 <= status < _SERVER_ERROR and bool(_told(error))  # noqa: PLR2004 - HTTP: our fault


def _is_replayed(headers: Mapping[str, str]) -> bool:
    return headers.get("Idempotent-Replayed") == "true"


def _metric_of(status: int | None) -> str | None:
    if status is None:
        return "StripeUnreachable"
    if status == 429:  # noqa: PLR2004 - HTTP: too many requests
        return "StripeThrottled"
    return "StripeFailures" if status >= _SERVER_ERROR else None


def _code(error: Exception) -> str | None:
    """Stripe's word for what is wrong; some classes of the library keep it only in the body."""
    return _word(_said(error, "code")) or _word(_said(error, "type"))


def _said(error: Exception, name: str) -> object:
    return _told(error).get(name)


def _told(error: Exception) -> Mapping[str, Any]:
    """Stripe's error object, or nothing when the body holds none."""
    body = error.json_body if isinstance(error, stripe.StripeError) else None
    told = body.get("error") if isinstance(body, dict) else None
    return told if isinstance(told, dict) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None
