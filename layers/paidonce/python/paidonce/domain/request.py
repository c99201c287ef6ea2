"""Something asked of Stripe that has no row of its own until Stripe has made it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.ownership import ATTEMPT_MARK
from paidonce.domain.payment import LastError
from paidonce.domain.stripe_call import CallState, StripeCall


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request (`req_…`) and the call that it takes; the answer's transaction writes the rest.

    `kind` is `customer`, `subscription` or `portal`. `made_id` is what Stripe made. `declined` is
    the card's refusal. `superseded`: its claim went to another request. `unknown` holds attributes
    that a newer release wrote.
    """

    id: str
    kind: str
    call: StripeCall
    created_at: str
    updated_at: str
    user_id: str | None = None
    attempt: int = 1
    made_id: str | None = None
    declined: LastError | None = None
    superseded: bool = False
    version: int = 1
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """True while it is not known what became of the call."""
        return self.call.state is CallState.OPEN

    @property
    def is_refused(self) -> bool:
        """Stripe said no: nothing was made."""
        return self.call.state is CallState.REFUSED

    @property
    def pointer_ids(self) -> frozenset[str]:
        """None: what it makes has a row of its own, or no events."""
        return frozenset()

    def tried(self, *, at: int) -> "Request":
        """About to be asked of Stripe."""
        return replace(self, call=self.call.tried(at=at))

    def answered(self, made_id: str) -> "Request":
        """Done: Stripe made this."""
        return replace(self, made_id=made_id, call=self.call.ended(CallState.DONE))

    def refused(self, declined: LastError | None = None) -> "Request":
        """Refused: nothing was made, and the same call is never made again."""
        return replace(self, declined=declined, call=self.call.ended(CallState.REFUSED))

    def spent(self) -> "Request":
        """Stripe has stored a failure under the call's key: the next attempt needs another."""
        return replace(self, call=self.call.spent())

    def again(self) -> "Request":
        """The next attempt, after proof that the last one made nothing: another key at Stripe."""
        attempt = self.attempt + 1
        call = self.call
        return replace(
            self,
            attempt=attempt,
            declined=None,
            call=replace(
                call,
                idempotency_key=f"{call.idempotency_key.rpartition('_a')[0]}_a{attempt}",
                params=_of_attempt(call.params, attempt),
                state=CallState.OPEN,
                is_spent=False,
                first_tried_at=None,
                last_tried_at=None,
            ),
        )

    def after(self, refused: "Request") -> "Request":
        """This new request in the place of a refused one, whose attempts count on."""
        return replace(self, attempt=refused.attempt).again()

    def gave_way(self) -> "Request":
        """This refused request, once its claim went to another."""
        return replace(self, superseded=True)

    def written(self, *, at: str) -> "Request":
        """As its row is written after a change."""
        return replace(self, version=self.version + 1, updated_at=at)

    def looks_like(self, other: "Request") -> bool:
        """True when nothing but the lock differs."""
        return self == replace(other, version=self.version)

    def news(self, before: "Request") -> tuple[str, ...]:  # noqa: ARG002 - the port's shape
        """Nothing: what it makes tells for itself."""
        return ()

    def view(self) -> dict[str, Any]:
        """What of it may be told."""
        return {"id": self.id, "kind": self.kind, "made_id": self.made_id, "version": self.version}


def request_id(caller: Caller, route: str, idempotency_key: str) -> str:
    """The same for every repeat: 128 bits of the caller, the route and their key."""
    name = fingerprint(caller.issuer, caller.subject, route, idempotency_key)
    return f"req_{name[:32]}"


def _of_attempt(params: Mapping[str, Any], attempt: int) -> Mapping[str, Any]:
    if "metadata" not in params:
        return params
    return {**params, "metadata": {**params["metadata"], ATTEMPT_MARK: str(attempt)}}
