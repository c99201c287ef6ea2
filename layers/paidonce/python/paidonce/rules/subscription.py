"""What a subscription's events mean for its row."""

from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source
from paidonce.domain.subscription import Subscription, begun, is_whole


@decides(
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.deleted",
    resource="subscription",
    of=Subscription,
    names=lambda found: str(found["id"]),
    begins=begun,
    reads=("sub_",),
)
def settle(row: Subscription, seen: Sighting) -> Verdict[Subscription] | FetchFirst:
    """What has ended stays so; before and after that the newer look at Stripe wins.

    All types carry the whole subscription, so its status decides, not the event's name.
    """
    shown = row.shown(seen.object)
    if row.is_ended and not shown.is_ended:
        return Verdict(after=row)
    if seen.source is not Source.FETCH:
        if not _is_enough(row, shown, seen):
            return FetchFirst(row.id)
        has_just_ended = shown.is_ended and not row.is_ended
        if not has_just_ended and not seen.is_after(row):
            # Whichever is the newer of the two, it changes nothing.
            return Verdict(after=row)
    return Verdict(after=shown.known_until(seen))


def _is_enough(row: Subscription, shown: Subscription, seen: Sighting) -> bool:
    """Can it be decided from this look alone, without another one now?"""
    if not is_whole(seen.object):
        return False
    if shown.is_ended and not row.is_ended:
        return True
    if row.version == 0:
        # Whether its first invoice is paid stands in no event of the subscription.
        return False
    if seen.is_after(row):
        # Since when it is late only its invoice tells, whose event may not have come yet, and why
        # only a look does: whoever is told that it is late now must be told that, too.
        is_told_why = row.is_late or not shown.is_late or shown.last_error is not None
        return is_told_why and (shown.status != "past_due" or shown.owed_since is not None)
    is_part = seen.source is Source.PAYLOAD and seen.is_before(row)
    return is_part or shown.looks_like(row)
