"""Forget a person: blank who they are in their rows and in the ledger, and keep what was charged.

It can be repeated after a crash at any line: what is blank already is left alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.customer import Customer
from paidonce.domain.errors import ChangedMeanwhile, InvalidRequest, NotFound, StateConflict
from paidonce.domain.forgetting import (
    forgotten_customer,
    forgotten_payment,
    forgotten_request,
    forgotten_row,
    why_not_yet,
)
from paidonce.domain.ledger import LedgerRow
from paidonce.domain.moment import iso
from paidonce.domain.payment import Payment
from paidonce.domain.payment_request import order_claim
from paidonce.domain.request import Request
from paidonce.use_cases.dead_letters import Deed
from paidonce.use_cases.ledger_search import LedgerSearch
from paidonce.use_cases.ports import Books, Clock, Commit, PaymentBooks
from paidonce.use_cases.request_books import RequestBooks

# A row that live traffic changes oftener than this in a moment is not one to forget now.
_TRIES_MAX = 5


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom: their user id, and what the shop knows of theirs, since no index leads to payments."""

    user_id: str
    order_ids: Sequence[str] = ()
    payment_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is held about them: rows of state, and the ledger's rows about these."""

    aggregates: Sequence[Aggregate]
    rows: Sequence[LedgerRow]

    @property
    def to_blank(self) -> Sequence[str]:
        """Ids of what still shows somebody."""
        shown = [one.id for one in self.aggregates if _forgotten(one) != one]
        return [*shown, *(row.event_id for row in self.rows if forgotten_row(row) != row)]


@dataclass(frozen=True, kw_only=True)
class ForgetPerson:
    """The verb behind `paidonce forget`. `note` writes down who does it, before it is done."""

    books: Books
    search: LedgerSearch
    payments: PaymentBooks
    requests: RequestBooks
    clock: Clock
    note: Callable[[Deed, str], None]

    def found(self, person: Person) -> Found:
        """Everything of theirs; raises where it cannot be forgotten yet, and changes nothing.

        Raises NotFound, InvalidRequest (a payment of somebody else's), StateConflict (what is not
        over, or a customer who is not deleted at Stripe yet), TryAgain.
        """
        request = self.requests.holder_of(f"user#{person.user_id}")
        customer_id = request.made_id if request else None
        ids = [*self._payment_ids(person), *([customer_id] if customer_id else [])]
        read = self.books.read(event_ids=[], payment_ids=ids, pointer_ids=[]).aggregates
        missing = sorted(set(ids) - read.keys())
        if missing:
            raise NotFound(f"There is no row {', '.join(missing)}.")
        aggregates = [*([request] if request else []), *read.values()]
        if not aggregates:
            raise NotFound(
                f"{person.user_id} has no customer; name payments by --order or --payment."
            )
        for one in aggregates:
            _check(one, person)
        rows = [row for one in aggregates for row in self.search.about(one.id)]
        return Found(aggregates=aggregates, rows=rows)

    def __call__(self, found: Found, deed: Deed) -> Iterator[str]:
        """Blank it, under the version that was read; yields each id once it is blank.

        A ledger row that has something to do yet (a domain event on its way to the bus) is left
        for the next time. Raises ChangedMeanwhile, TryAgain: do it again.
        """
        self.note(deed, "operator.forget")
        for one in found.aggregates:
            if self._blanked(one):
                yield one.id
        for row in found.rows:
            after = forgotten_row(row)
            if after != row and row.todo is None and self._replaced(row, after):
                yield row.event_id

    def _payment_ids(self, person: Person) -> Sequence[str]:
        found = list(person.payment_ids)
        for order_id in person.order_ids:
            holder = self.payments.claimed_by(order_claim(owner=person.user_id, order_id=order_id))
            if holder is None:
                raise NotFound(f"{person.user_id} has no order {order_id} here.")
            found.append(holder)
        return list(dict.fromkeys(found))

    def _blanked(self, one: Aggregate) -> bool:
        before: Aggregate | None = one
        for _ in range(_TRIES_MAX):
            if before is None or (after := _forgotten(before)) == before:
                return False
            after = after.written(at=iso(self.clock.now()))
            try:
                self.books.commit(Commit(rows=(), changed=((before, after),)))
            except ChangedMeanwhile:
                pages = self.books.read(event_ids=[], payment_ids=[one.id], pointer_ids=[])
                before = pages.aggregates.get(one.id)
            else:
                return True
        raise ChangedMeanwhile(one.id)

    def _replaced(self, row: LedgerRow, after: LedgerRow) -> bool:
        try:
            self.books.commit(Commit(rows=(after,), replayed={row.event_id: row}))
        except ChangedMeanwhile:
            return False  # decided anew meanwhile: the next look finds it again
        return True


def _check(one: Aggregate, person: Person) -> None:
    if isinstance(one, Payment):
        if one.user_id not in (None, person.user_id):
            raise InvalidRequest(f"{one.id} is not {person.user_id}'s.")
        if reason := why_not_yet(one):
            raise StateConflict(f"{reason}.")
    if isinstance(one, Customer) and not one.deleted:
        raise StateConflict(
            f"{one.id} still stands at Stripe, whose next event would bring everything back."
            f" Delete it there first (Dashboard: Customers, {one.id}, Delete customer), and do"
            " this again once `paidonce why` shows it deleted."
        )
    if isinstance(one, Request) and one.is_open:
        raise StateConflict(f"{one.id} waits for Stripe's answer: do this again when it is there.")


def _forgotten(one: Aggregate) -> Aggregate:
    if isinstance(one, Payment):
        # A change since it was looked at may have opened something again.
        return one if why_not_yet(one) else forgotten_payment(one)
    if isinstance(one, Customer):
        return forgotten_customer(one)
    return forgotten_request(one) if isinstance(one, Request) else one
