"""One event as Stripe wrote it, parsed once at the border."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paidonce.domain.errors import InvalidRequest
from paidonce.domain.upcasting import upcast

# What the types of thin events begin with.
_THIN = "v1."
# What Stripe's ids and types are made of; 255 is also the limit of its own ids (API docs).
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,255}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class StripeEvent:
    """A webhook payload, or an answer of GET /v1/events/{id}: both have one shape.

    `created` is in whole seconds since 1970, Stripe's clock. `object` is `data.object` in the shape
    of our own API version, or empty for events that carry none. `api_version` is the one that it
    was written in, and None for some old events. `is_thin`: it only names its object, by id and
    kind, which has to be read at Stripe; its type is then that of a whole event, without `v1.`
    (https://docs.stripe.com/changelog/endive/2026-09-30/thin-events-for-api-v1-resources-generally-available).
    """

    id: str
    type: str
    created: int
    livemode: bool
    account: str | None
    api_version: str | None
    object: Mapping[str, Any]
    request_id: str | None
    is_thin: bool = False

    @classmethod
    def parse(cls, payload: bytes | str) -> "StripeEvent":
        """Read a payload; raises InvalidRequest for everything that is not an event."""
        try:
            document = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("the body is not JSON") from error
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Any) -> "StripeEvent":
        """Read a decoded payload; raises InvalidRequest when id, type or created is not there."""
        if not isinstance(document, Mapping):
            raise InvalidRequest("the body is not a Stripe event")
        data = document.get("data")
        found = data.get("object") if isinstance(data, Mapping) else None
        named = None if isinstance(found, Mapping) else _named_by_thin(document)
        request = document.get("request")
        return cls(
            id=_word(document, "id"),
            type=_word(document, "type").removeprefix(_THIN if named else ""),
            created=_seconds(document.get("created")),
            livemode=document.get("livemode") is True,
            # `user_id` before 2017-05-25 (https://docs.stripe.com/changelog#2017-05-25).
            account=_optional_word(document.get("account") or document.get("user_id"))
            or (_account_of_context(document) if named else None),
            api_version=_optional_word(document.get("api_version")),
            object=upcast(found) if isinstance(found, Mapping) else named or {},
            request_id=_request_id(request),
            is_thin=named is not None,
        )

    @classmethod
    def of_reading(
        cls, name: str, event_type: str, found: Mapping[str, Any], *, at: int, livemode: bool
    ) -> "StripeEvent":
        """A look of our own at an object, told as if Stripe had sent it; `at` is in seconds."""
        return cls(
            id=name,
            type=event_type,
            created=at,
            livemode=livemode,
            account=None,
            api_version=None,
            object=found,
            request_id=None,
        )

    @property
    def object_id(self) -> str | None:
        """Stripe's id of the object that the event is about."""
        return _optional_word(self.object.get("id"))


def _named_by_thin(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Id and kind of the object that a thin event of an object of API v1 is about."""
    about = document.get("related_object")
    is_of_v1 = str(document.get("type")).startswith(_THIN)
    if document.get("object") != "v2.core.event" or not is_of_v1 or not isinstance(about, Mapping):
        return None
    object_id, kind = _optional_word(about.get("id")), _optional_word(about.get("type"))
    return {"id": object_id, "object": kind} if object_id and kind else None


def _account_of_context(document: Mapping[str, Any]) -> str | None:
    """Of `acct_…`, or of a path that ends with it; None is the account of our own key."""
    context = document.get("context")
    return _optional_word(context.rpartition("/")[2]) if isinstance(context, str) else None


def _word(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise InvalidRequest(f"the event has no usable {name}")
    return value


def _optional_word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None


def _request_id(request: object) -> str | None:
    # Before 2017-05-25 `request` was the id itself, since then it is {id, idempotency_key}.
    return _optional_word(request.get("id") if isinstance(request, Mapping) else request)


def _seconds(value: object) -> int:
    if type(value) is int:
        return value
    if not isinstance(value, str):
        raise InvalidRequest("the event has no usable created")
    try:
        return int(datetime.fromisoformat(value).timestamp())  # thin events write ISO 8601
    except ValueError as error:
        raise InvalidRequest("the event has no usable created") from error
