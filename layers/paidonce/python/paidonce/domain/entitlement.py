"""May a subscription be used now? What Stripe shows of it, under the policy of a stage."""

import math
from typing import Any

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.moment import iso
from paidonce.domain.policy import Policy
from paidonce.domain.subscription import Subscription

_DAY_SECONDS = 86_400


def entitled_until(policy: Policy, row: Subscription) -> float:
    """Seconds since 1970: infinity while nothing ends it, 0 where it may not be used.

    What began without its first payment, or is not known, may not be used.
    """
    if row.status == "trialing":
        return math.inf
    if row.owes_first:
        return 0
    if row.status == "past_due":
        since = row.owed_since
        return 0 if since is None else since + policy.grace_days * _DAY_SECONDS
    allowed = {"active": True, "unpaid": policy.unpaid, "paused": policy.paused}
    return math.inf if allowed.get(row.status) else 0


def is_entitled(policy: Policy, row: Subscription, *, now: float) -> bool:
    """May the customer use it at this moment?"""
    return now < entitled_until(policy, row)


def view_of(row: Aggregate, *, policy: Policy, now: float) -> dict[str, Any]:
    """A row as the API and the bus show it at this moment: both ask here, so they agree.

    `entitled_until` is there where time alone will end it: no event tells of that moment.
    """
    if not isinstance(row, Subscription):
        return row.view()
    until = entitled_until(policy, row)
    is_entitled_now = now < until
    ends = is_entitled_now and until < math.inf
    return row.view() | {
        "entitled": is_entitled_now,
        "entitled_until": iso(until) if ends else None,
    }
