"""One POST to Stripe about something of ours: written down before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class CallState(StrEnum):
    """What is known of a call."""

    OPEN = "open"  # not made yet, or made without an answer that could be noted
    DONE = "done"  # Stripe did it
    REFUSED = "refused"  # Stripe will never do it: nothing was done


@dataclass(frozen=True, kw_only=True)
class StripeCall:
    """The exact request and its idempotency key. `kind` is `capture`, `cancel`, `refund`, ….

    `path` is a template; `object_id` takes the place of `{id}` in it. `caller_key` is the hash of
    the caller's own key (iss, sub, method, path, Idempotency-Key), None where nobody asked but us;
    `body_hash` tells a repeat from another request. Times are whole seconds since 1970.
    """

    kind: str
    idempotency_key: str
    path: str
    params: Mapping[str, Any]
    object_id: str | None = None
    caller_key: str | None = None
    body_hash: str | None = None
    state: CallState = CallState.OPEN
    first_tried_at: int | None = None
    last_tried_at: int | None = None

    def tried(self, *, at: int) -> "StripeCall":
        """The same call, about to be made."""
        first = at if self.first_tried_at is None else self.first_tried_at
        return replace(self, first_tried_at=first, last_tried_at=at)

    def ended(self, state: CallState) -> "StripeCall":
        """The same call, once it is known what became of it."""
        return replace(self, state=state)
