"""Calls that change a subscription: their keys, whether one was done, what takes its place."""

from dataclasses import replace

from paidonce.domain.payment_calls import NEVER_MADE
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.domain.subscription import Subscription


def call_key(row: Subscription, kind: str) -> str:
    """The key of the next call; `kind` is `update` or `cancel`, and both count as one series."""
    return f"{row.id}_{kind}_{row.calls_made + 1}"


def shows(found: Subscription, call: StripeCall) -> bool:
    """Is the subscription as this update wants it? Its `items` name every line there shall be."""
    flag, items = call.params.get("cancel_at_period_end"), call.params.get("items")
    if flag is not None and found.cancel_at_period_end is not flag:
        return False
    if items is None:
        return True
    kept = [item for item in items if not item.get("deleted")]
    return len(found.lines) == len(kept) and all(
        any(
            item.get("id", line.id) == line.id
            and item.get("price", line.price) == line.price
            and item["quantity"] == line.quantity
            for line in found.lines
        )
        for item in kept
    )


def with_next_call(row: Subscription, call: StripeCall) -> Subscription:
    """The same request under the next key, in the place of a call that was never made.

    Not where another call came after it: the subscription would go back to an older wish.
    """
    if call.idempotency_key.rpartition("_")[2] != str(row.calls_made):
        return row
    again = replace(
        call,
        idempotency_key=call_key(row, call.kind),
        state=CallState.OPEN,
        refusal=None,
        is_spent=False,
        first_tried_at=None,
        last_tried_at=None,
    )
    return row.with_call(again)


def in_its_place(row: Subscription, call: StripeCall) -> StripeCall | None:
    """The open call that took the place of one that was never made."""
    if call.refusal != NEVER_MADE:
        return None
    wanted = (call.kind, call.caller_key, call.params)
    is_open = [other for other in row.calls if other.state is CallState.OPEN]
    same = [o for o in is_open if (o.kind, o.caller_key, o.params) == wanted]
    return same[0] if same else None
