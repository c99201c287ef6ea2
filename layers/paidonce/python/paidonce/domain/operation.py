"""What is left to do at Stripe for something of ours, as one message of the operations queue."""

import json
from dataclasses import dataclass

from paidonce.domain.announcement import Announcement
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.payment_calls import stray_key

SCHEMA = 1
_KIND = "operation"
# A rule on the bus puts it into the queue as it is (infra/features/operations.py).
STRAY_TOLD = "payment.stray_intent"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A call that stands in a row, or the cancel of a stray intent; one of the two is None.

    `call` is the call's idempotency key (the creation's own means the creation). `cancel_intent` is
    an intent that carries our mark and is not the payment's.
    """

    aggregate_id: str
    call: str | None = None
    cancel_intent: str | None = None
    correlation_id: str | None = None

    @property
    def idempotency_key(self) -> str:
        """The key of the call, by which ledger, lease and logs name the operation."""
        return self.call or stray_key(self.aggregate_id, self.cancel_intent or "")

    def message(self) -> str:
        """`{"kind": "operation", "schema": 1, "aggregate": "pay_…", "call": "…"}`."""
        named = {"call": self.call, "cancel_intent": self.cancel_intent}
        document: dict[str, object] = {
            "kind": _KIND,
            "schema": SCHEMA,
            "aggregate": self.aggregate_id,
            **{name: value for name, value in named.items() if value is not None},
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def parse(cls, body: str, *, correlation_id: str | None = None) -> "Operation | None":
        """The operation of a message; None for one that nobody of ours has sent.

        A domain event of the bus that tells of a stray intent is one, too: to cancel it.
        """
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if isinstance(document, dict) and document.get("detail-type") == STRAY_TOLD:
            return cls._told(body)
        if not isinstance(document, dict) or document.get("kind") != _KIND:
            return None
        aggregate_id, call, cancel_intent = (
            value if isinstance(value := document.get(name), str) and value else None
            for name in ("aggregate", "call", "cancel_intent")
        )
        if aggregate_id is None or (call is None) is (cancel_intent is None):
            return None
        return cls(
            aggregate_id=aggregate_id,
            call=call,
            cancel_intent=cancel_intent,
            correlation_id=correlation_id,
        )

    @classmethod
    def _told(cls, envelope: str) -> "Operation | None":
        try:
            told = Announcement.parse(envelope)
        except InvalidRequest:
            return None
        aggregate_id = told.object.get("id")
        if not isinstance(aggregate_id, str) or told.about is None:
            return None
        return cls(
            aggregate_id=aggregate_id,
            cancel_intent=told.about,
            correlation_id=told.correlation_id,
        )
