"""One POST to Stripe about something of ours: written down before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal


class CallState(StrEnum):
    """What is known of a call."""

    OPEN = "open"  # not made yet, or made without an answer that could be noted
    DONE = "done"  # Stripe did it
    REFUSED = "refused"  # Stripe will never do it: nothing was done


# Stripe's words for "the object's state does not allow this": no bug of ours, somebody was faster.
# https://docs.stripe.com/error-codes
STATE_REFUSALS = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
        "capture_charge_authorization_expired",
        "charge_already_refunded",
        "charge_disputed",
        "charge_not_refundable",
        "refund_disputed_payment",
        "balance_insufficient",
    }
)


@dataclass(frozen=True, kw_only=True)
class StripeCall:
    """The exact request and its idempotency key. `kind` is `capture`, `cancel`, `refund`, ….

    `path` is a template; `object_id` takes the place of `{id}` in it. `caller_key` is the hash of
    the caller's own key (iss, sub, method, path, Idempotency-Key), None where nobody asked but us;
    `body_hash` tells a repeat from another request. `method` is `post`, or `delete`: that one goes
    without a key at Stripe, and can be repeated as it is. Times are whole seconds since 1970.
    `is_spent`: Stripe has stored a failure under the key and gives it again, however often it is
    asked. `refusal` is our error's code once it is refused (`card_declined`, `state_conflict`,
    `invalid_request`, `never_made`), beside Stripe's own words.
    """

    kind: str
    idempotency_key: str
    path: str
    params: Mapping[str, Any]
    object_id: str | None = None
    method: Literal["post", "delete"] = "post"
    caller_key: str | None = None
    body_hash: str | None = None
    state: CallState = CallState.OPEN
    first_tried_at: int | None = None
    last_tried_at: int | None = None
    is_spent: bool = False
    refusal: str | None = None
    stripe_code: str | None = None
    decline_code: str | None = None

    def tried(self, *, at: int) -> "StripeCall":
        """The same call, about to be made."""
        first = at if self.first_tried_at is None else self.first_tried_at
        return replace(self, first_tried_at=first, last_tried_at=at)

    def ended(self, state: CallState) -> "StripeCall":
        """The same call, once it is known what became of it."""
        return replace(self, state=state)

    def refused(
        self, refusal: str, *, stripe_code: str | None = None, decline_code: str | None = None
    ) -> "StripeCall":
        """The same call, which Stripe will never do."""
        return replace(
            self,
            state=CallState.REFUSED,
            refusal=refusal,
            stripe_code=stripe_code,
            decline_code=decline_code,
        )

    def spent(self) -> "StripeCall":
        """The same call, whose key only gives a stored failure from now on."""
        return replace(self, is_spent=True)

    def may_be_sent(self, *, at: int, key_fresh_seconds: int) -> bool:
        """True while the same key is certain to mean the same call at Stripe."""
        first = self.first_tried_at
        return not self.is_spent and (first is None or at - first < key_fresh_seconds)
