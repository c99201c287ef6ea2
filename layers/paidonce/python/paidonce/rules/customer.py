"""What a customer's events mean for its row."""

from paidonce.domain.customer import Customer, begun
from paidonce.domain.ledger import Outcome
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source


@decides(
    "customer.created",
    "customer.updated",
    resource="customer",
    of=Customer,
    names=lambda found: str(found["id"]),
    begins=begun,
    reads=("cus_",),
)
def settle(row: Customer, seen: Sighting) -> Verdict[Customer] | FetchFirst:
    """What is deleted stays so; before that the newer look at Stripe wins."""
    shown = row.shown(seen.object)
    if row.deleted:
        return Verdict(after=row)
    if shown.deleted or seen.source is Source.FETCH or seen.is_after(row):
        # One without a name and an e-mail address is new all the same.
        outcome = Outcome.APPLIED if row.version == 0 else None
        return Verdict(after=shown.known_until(seen), outcome=outcome)
    if shown.looks_like(row) or (seen.source is Source.PAYLOAD and seen.is_before(row)):
        return Verdict(after=row)
    return FetchFirst(seen.object["id"])


@decides(
    "customer.deleted",
    resource="customer",
    of=Customer,
    names=lambda found: str(found["id"]),
    begins=begun,
)
def end(row: Customer, seen: Sighting) -> Verdict[Customer]:
    """The event shows the customer as it was: that it is deleted only the event's name says."""
    return Verdict(after=row.shown(seen.object).gone().known_until(seen))
