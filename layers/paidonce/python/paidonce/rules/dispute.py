"""What disputes' events mean for the payment whose money is disputed."""

from paidonce.domain.dispute import Dispute, DisputeStatus
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source

# Statuses with a domain event of their own; `prevented` and `warning_closed` are changes.
_ENDS = {DisputeStatus.WON: "dispute.won", DisputeStatus.LOST: "dispute.lost"}


@decides("charge.dispute.created", resource="dispute", of=Payment, counts_foreign="ForeignDisputes")
@decides(
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    resource="dispute",
    of=Payment,
    reads=("dp_", "du_"),
)
def settle(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """What Stripe holds is read for each event that says something new: disputes are rare.

    A fetch is made after the row was read and written under its version, so that of two fetches
    the later one stands. A dispute never goes back to an earlier stage, whoever says so.
    """
    shown = Dispute.of(seen.object)
    known = payment.dispute(shown.id)
    if known and (shown == known or shown.status.stage < known.status.stage):
        return Verdict(after=payment)
    if seen.source is Source.PAYLOAD:
        return FetchFirst(shown.id)
    return Verdict(
        after=payment.with_dispute(shown),
        notices=tuple((kind, shown.id) for kind in _told(known, shown)),
        alarms=("DisputesOpened",) if known is None else (),
    )


def _told(known: Dispute | None, shown: Dispute) -> tuple[str, ...]:
    """It is opened once, also where it was over before we heard of it, and ends once."""
    end = _ENDS.get(shown.status)
    if known is None:
        return ("dispute.opened", end) if end else ("dispute.opened",)
    return (end,) if end and known.status is not shown.status else ("dispute.changed",)
