"""Make the customer of a user, once: record first, call Stripe second, note the answer third."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from paidonce.domain.caller import ANY_CUSTOMER, Caller
from paidonce.domain.customer import Customer, CustomerRequest, begun
from paidonce.domain.errors import (
    ChangedMeanwhile,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
)
from paidonce.domain.moment import iso
from paidonce.domain.request import Request
from paidonce.use_cases.carry_out import CarryOut, Ended, Made
from paidonce.use_cases.note_answer import ROUNDS_MAX
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.request_books import ClaimTaken
from paidonce.use_cases.stripe_ports import Answer


@dataclass(frozen=True, kw_only=True)
class MadeCustomer:
    """The customer as its row stands; None while Stripe's answer is not known."""

    customer: Customer | None
    how: Ended


@dataclass(frozen=True, kw_only=True)
class MakeCustomer:
    """The verb behind POST /customers. `check_key` raises NotConfigured before anything is written.

    A user's customer is what their claim leads to, so another key finds the same one.
    """

    carry_out: CarryOut
    check_key: Callable[[], object]

    def __call__(
        self, wanted: CustomerRequest, *, correlation_id: str, time_left: TimeLeft
    ) -> MadeCustomer:
        """The user's customer.

        Raises Forbidden, NotConfigured, KeyRefused, IdempotencyConflict, StripeRefused, TryAgain.
        """
        if wanted.caller.user_id != wanted.user_id:
            wanted.caller.must(ANY_CUSTOMER)
        self.check_key()
        request, how = self._opened(wanted)
        try:
            if request.is_open:
                request = self.made(request, correlation_id=correlation_id, time_left=time_left)
            return MadeCustomer(customer=self._row(request), how=how)
        except (OutcomeUnknown, KeyRefused, NotConfigured) as error:
            key = request.call.idempotency_key
            self.carry_out.left(request, key, error, correlation_id=correlation_id)
            return MadeCustomer(customer=None, how=Ended.NOT_KNOWN_YET)

    def _opened(self, wanted: CustomerRequest) -> tuple[Request, Ended]:
        """The request of this key: new, sent before, or the user's own that has the claim."""
        books, stage = self.carry_out.requests, self.carry_out.stage.name
        new = wanted.recorded(stage=stage, at=iso(self.carry_out.clock.now()))
        over: Request | None = None
        for _ in range(ROUNDS_MAX):
            asked = new.after(over) if over else new
            try:
                stands = books.open(asked, claim_id=wanted.claim_id, over=over)
            except ClaimTaken as taken:
                if not taken.holder.is_refused and not self._is_gone(taken.holder):
                    return taken.holder, Ended.SAME_USER
                # Nothing is left of it at Stripe: another request may take its place.
                over = taken.holder
            except ChangedMeanwhile:
                over = None
            else:
                return self._standing(stands, wanted)
        raise ChangedMeanwhile(f"{wanted.claim_id} is asked for too often at once")

    def _is_gone(self, holder: Request) -> bool:
        """Was the customer that it made deleted?"""
        made_id = holder.made_id
        found = self.carry_out.requests.get(made_id, Customer) if made_id else None
        return found is not None and found.deleted

    def _standing(self, stands: Request, wanted: CustomerRequest) -> tuple[Request, Ended]:
        if stands.call.body_hash != wanted.body_hash:
            raise IdempotencyConflict("This Idempotency-Key came before with another body.")
        if stands.superseded:
            holder = self.carry_out.requests.holder_of(wanted.claim_id) or stands
            return self.carry_out.revived(holder), Ended.SAME_USER
        if stands.is_refused:
            return self.carry_out.revived(stands), Ended.MADE
        return stands, Ended.MADE if stands.is_open else Ended.REPEATED

    def made(self, request: Request, *, correlation_id: str, time_left: TimeLeft) -> Request:
        """An open request once it has ended, as `CarryOut` ends it; for `run_operation` too."""
        request, answer = self.carry_out(request, time_left=time_left)
        if answer is None:
            return request
        made = self._customer(request, answer)
        return self.carry_out.note(request, answer, made=made, correlation_id=correlation_id)

    def _customer(self, request: Request, answer: Answer) -> Made[Customer]:
        at, found = iso(self.carry_out.clock.now()), answer.seen.object
        nothing = replace(begun(found, at), user_id=request.user_id)
        shown = nothing.shown(found)
        if not answer.replayed:
            # A stored answer shows how it was made, and not when that was.
            shown = shown.known_until(answer.seen)
        return Made(before=nothing, after=shown.written(at=at))

    def _row(self, request: Request) -> Customer:
        found = request.made_id and self.carry_out.requests.get(request.made_id, Customer)
        if not found:
            raise OutcomeUnknown(f"{request.id} has not led to a customer yet")
        return found


def customer_seen_by(
    caller: Caller, found: Customer | None, *, of_any: str = ANY_CUSTOMER
) -> Customer:
    """The customer, if it is there for the caller; raises NotFound."""
    is_there = found is not None and not found.deleted
    if found is None or not is_there or not caller.sees(found.user_id, of_any=of_any):
        raise NotFound("There is no such customer.")
    return found
