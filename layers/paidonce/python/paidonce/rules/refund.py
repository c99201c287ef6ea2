"""What refunds' events mean for the payment that was refunded."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.ledger import Outcome
from paidonce.domain.ownership import REFUND_MARK
from paidonce.domain.payment import Payment
from paidonce.domain.refund import Refund, RefundStatus
from paidonce.domain.rulebook import Verdict, decides
from paidonce.domain.sighting import Sighting
from paidonce.domain.stripe_call import CallState


@decides(
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    resource="refund",
    of=Payment,
    reads=("re_", "pyr_"),
)
def settle(payment: Payment, seen: Sighting) -> Verdict[Payment]:
    """A refund moves one way (it can still fail after it succeeded), so its status alone decides.

    One that was made in the Dashboard appears under Stripe's own id. One of a stray intent gives
    back what was paid twice: of the payment itself nothing is refunded.
    """
    if not payment.is_charged_by(seen.object):
        return Verdict(after=payment, outcome=Outcome.SUPERSEDED, reason="refund_of_stray")
    return noted(payment, seen.object)


def noted(payment: Payment, found: Mapping[str, Any]) -> Verdict[Payment]:
    """The payment with this look at a refund that is known to be its own."""
    known = _known(payment, found)
    # Stripe leaves the status out where it cannot tell yet: the money is on its way.
    status = RefundStatus(found.get("status") or RefundStatus.PENDING)
    if known and known.stripe_refund_id and status.stage <= known.status.stage:
        return Verdict(after=payment)
    shown = Refund(
        id=known.id if known else found["id"],
        amount_minor=found["amount"],
        status=status,
        reason=found.get("reason"),
        stripe_refund_id=found["id"],
        # That it can be seen proves that the call was made, whatever we thought of it.
        call=known.call.ended(CallState.DONE) if known and known.call else None,
    )
    is_news = known is None or status.told_as != _told_before(known)
    return Verdict(
        after=payment.with_refund(shown),
        notices=((status.told_as, shown.id),) if is_news else (),
    )


def _known(payment: Payment, found: Mapping[str, Any]) -> Refund | None:
    """The refund of ours that this is: by Stripe's id, or by our mark while it has none yet."""
    mark = (found.get("metadata") or {}).get(REFUND_MARK)
    by_id = [r for r in payment.refunds if r.stripe_refund_id == found["id"]]
    by_mark = [r for r in payment.refunds if r.id == mark and r.stripe_refund_id is None]
    return next(iter(by_id + by_mark), None)


def _told_before(known: Refund) -> str | None:
    return None if known.status is RefundStatus.RESERVED else known.status.told_as
