"""A request's body: bounded, plain JSON without card data, before anything else looks at it.

Nothing here repeats a value of the body; names of fields are repeated only where they are plain.
"""

import binascii
import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from paidonce.domain.card_data import card_paths, holds_card_number
from paidonce.domain.errors import InvalidRequest, TooLarge

# The longest request of the API is a payment with 46 notes of 540 characters.
BODY_BYTES_MAX = 64 * 1024
# The deepest request has three levels: the body, its metadata, a note.
DEPTH_MAX = 8
# Enough to mend a request by; an answer must not grow with what is sent.
FIELDS_MAX = 50

_JSON = re.compile(r"application/json\s*(;.*)?", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_\-]{1,40}", re.ASCII)
_NO_CARDS = "looks like card data, which must never be sent here"


def plain_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with header names in lower case and its body as text.

    Raises TooLarge before anything is decoded, and InvalidRequest for what is not UTF-8 or JSON by
    its own content type.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    text = _text(event)
    if text:
        kind = headers.get("content-type")
        if kind is not None and not _JSON.fullmatch(kind.strip()):
            raise InvalidRequest(
                "The body must be JSON.", fields={"content-type": "must be application/json"}
            )
    # Powertools reads a body by this header, and knows kinds that no route here takes.
    headers["content-type"] = "application/json"
    return {**event, "headers": headers, "body": text, "isBase64Encoded": False}


def parse(text: str) -> dict[str, Any]:
    """The JSON object of a body. Raises InvalidRequest.

    Stricter than JSON where two readers could understand a text differently: no name twice, no NaN,
    no half characters.
    """
    try:
        document = json.loads(text, object_pairs_hook=_named_once, parse_constant=_refuse_constant)
        # JSON can write half of a surrogate pair, which no UTF-8 can hold.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # Not chained: the error holds some of the body.
        raise InvalidRequest("The body is not JSON.", fields={"body": "must be JSON"}) from None
    if not isinstance(document, dict):
        raise InvalidRequest("The body is not an object.", fields={"body": "must be an object"})
    _bound_depth(document)
    refuse_card_data(document)
    return document


def refuse_card_data(document: object) -> None:
    """Raise InvalidRequest when a value or a name, at any depth, looks like card data."""
    paths = list(islice(card_paths(document), FIELDS_MAX))
    if paths:
        raise InvalidRequest(
            "Card data must never be sent here: it goes from the browser to Stripe alone.",
            fields={path_text(path): _NO_CARDS for path in paths},
        )


def path_text(path: Iterable[object]) -> str:
    """`metadata.colour`; a name that is not plain could itself be data, and is shown as `?`."""
    return ".".join(_shown(str(part)) for part in path) or "body"


def _shown(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) and not holds_card_number(name) else "?"


def _text(event: Mapping[str, Any]) -> str:
    raw = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        if len(raw.encode("utf-8", "surrogatepass")) > BODY_BYTES_MAX:
            raise _too_large()
        # API Gateway puts this sign where a text body was not UTF-8.
        if "\ufffd" in raw:
            raise _not_utf8()
        return str(raw)
    if len(raw) > BODY_BYTES_MAX * 4 // 3 + 4:
        raise _too_large()
    try:
        body = binascii.a2b_base64(raw, strict_mode=True)
    except ValueError:
        raise _not_utf8() from None
    if len(body) > BODY_BYTES_MAX:
        raise _too_large()
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {BODY_BYTES_MAX} bytes.")


def _not_utf8() -> InvalidRequest:
    return InvalidRequest("The body is not UTF-8.", fields={"body": "must be UTF-8"})


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return named


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _bound_depth(document: object) -> None:
    level: list[object] = [document]
    for _ in range(DEPTH_MAX):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise InvalidRequest("The body is nested too deeply.", fields={"body": "is nested too deeply"})


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
