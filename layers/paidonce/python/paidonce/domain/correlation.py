"""The id under which one search of the logs finds all that a request, or an event, led to."""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from paidonce.domain.card_data import holds_card_number
from paidonce.domain.ownership import CORRELATION_MARK, marks_of

# Ids as tracing tools write them: UUIDs, X-Ray's Root=1-…, W3C's traceparent.
_SANE_ID = re.compile(r"[A-Za-z0-9._:=;/+\-]{1,128}", re.ASCII)


def is_sane_id(given: object) -> TypeGuard[str]:
    """May what somebody else calls an id stand in our rows, messages and log lines?"""
    return (
        isinstance(given, str)
        and _SANE_ID.fullmatch(given) is not None
        and not holds_card_number(given)
    )


def correlation_of(event_id: str, found: Mapping[str, Any]) -> str:
    """The id of the request that made the event's object (`found`), by our mark on it.

    Where Stripe alone has begun, as with a dispute or a renewal, the event's own id.
    """
    given = marks_of(found).get(CORRELATION_MARK)
    return given if is_sane_id(given) else event_id
