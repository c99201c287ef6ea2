"""Stripe asked with a key that is on trial: what it may do is read from how it is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
import stripe

from paidonce.adapters.stripe_calls import stripe_client
from paidonce.domain.errors import TryAgain
from paidonce.domain.permissions import Level, Permission, Row
from paidonce.use_cases.judge_key import Probed, Standing
from paidonce.use_cases.ports import Clock, Telemetry, TimeLeft

# No object of Stripe's has such an id: a change of it changes nothing.
_NO_OBJECT = "paidonce_probe"
# In Stripe's sentence of a 403: "… for this endpoint on account 'acct_…'."
_ACCOUNT = re.compile(r"'(acct_\w+)'", re.ASCII)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERROR = 401, 403, 404, 500
# 409: in use; 424: something behind Stripe failed; 429: too many requests.
_TELLS_NOTHING = frozenset({409, 424, 429})


@dataclass(frozen=True)
class _Told:
    status: int
    message: str = ""
    document: Mapping[str, Any] | None = None


class StripeKeyProber:
    """The port `KeyProber`, at most `per_second` calls a second; refusals are no alarms here."""

    def __init__(
        self,
        *,
        base_url: str,
        api_version: str,
        clock: Clock,
        telemetry: Telemetry,
        per_second: int,
        call_timeout_seconds: float,
    ) -> None:
        self._base_url = base_url
        self._api_version = api_version
        self._clock = clock
        self._telemetry = telemetry
        self._pause_seconds = 1 / per_second
        self._call_timeout_seconds = call_timeout_seconds
        self._session = requests.Session()
        self._asked_at = 0.0

    def ask(self, key: str, permission: Permission, *, time_left: TimeLeft) -> Probed:
        """See `KeyProber.ask`."""
        path = permission.row.path
        if permission.level is Level.READ:
            told = self._told(key, "get", path, time_left, limit=1)
        else:
            told = self._told(key, "post", f"{path}/{_NO_OBJECT}", time_left)
        if told.status == _UNAUTHORIZED:
            return Probed(standing=Standing.NOT_A_KEY)
        if told.status == _FORBIDDEN:
            found = _ACCOUNT.search(told.message)
            return Probed(standing=Standing.FORBIDDEN, account=found and found[1])
        return Probed(standing=Standing.PERMITTED)

    def newest(self, key: str, row: Row, *, time_left: TimeLeft) -> str | None:
        """See `KeyProber.newest`."""
        told = self._told(key, "get", row.path, time_left, limit=1)
        entries = (told.document or {}).get("data") or [{}]
        found = entries[0].get("id")
        return found if isinstance(found, str) else None

    def sees(self, key: str, row: Row, object_id: str, *, time_left: TimeLeft) -> bool:
        """See `KeyProber.sees`."""
        return self._told(key, "get", f"{row.path}/{object_id}", time_left).status != _NOT_FOUND

    def _told(self, key: str, method: str, path: str, time_left: TimeLeft, **params: int) -> _Told:
        """Stripe's answer; raises TryAgain when it is none that tells anything of the key."""
        if time_left() < self._pause_seconds + self._call_timeout_seconds:
            raise TryAgain("no time is left to ask Stripe about the key")
        self._wait_for_turn()
        client = stripe_client(
            key,
            base_url=self._base_url,
            api_version=self._api_version,
            timeout_seconds=self._call_timeout_seconds,
            session=self._session,
        )
        if method == "post":
            # Each call of its own: an answer stored at Stripe would be about another key.
            params |= {"idempotency_key": f"probe_{self._clock.now():.6f}"}  # type: ignore[dict-item] # an option
        try:
            answer = client.raw_request(method, path, **params)
            told = _Told(answer.code, document=answer.data)
        except stripe.StripeError as error:
            told = _Told(error.http_status or 0, message=str(error.user_message or ""))
        self._telemetry.fact("stripe probe", method=method, path=path, status=told.status)
        if told.status >= _SERVER_ERROR or told.status in _TELLS_NOTHING or not told.status:
            raise TryAgain("Stripe did not say what the key may do")
        return told

    def _wait_for_turn(self) -> None:
        self._clock.pause(max(0.0, self._asked_at + self._pause_seconds - self._clock.now()))
        self._asked_at = self._clock.now()
