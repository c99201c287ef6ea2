"""End the calls behind customers and subscriptions of which no answer is known, with no caller.

What is done is what the caller's repeat does, over the same rows: whoever comes first ends it, the
other finds it ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import CardDeclined, NotYetKnown, StripeRefused, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome, answer_id
from paidonce.domain.moment import iso
from paidonce.domain.operation import Operation
from paidonce.domain.payment_calls import NEVER_MADE
from paidonce.domain.request import Request
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.domain.subscription import Subscription
from paidonce.domain.subscription_calls import in_its_place, with_next_call
from paidonce.use_cases.carry_out import CarryOut
from paidonce.use_cases.change_subscription import ChangeSubscription
from paidonce.use_cases.make_customer import MakeCustomer
from paidonce.use_cases.ports import AlreadyApplied, Commit, TimeLeft
from paidonce.use_cases.run_operation import (
    Finish,
    NextNotQueuedError,
    UnreadableOperationError,
)
from paidonce.use_cases.subscribe import Subscribe

_KNOWN_BEFORE = "known_before"


class Makes(Protocol):
    """Ends an open request: `MakeCustomer.made`, `Subscribe.made`."""

    def __call__(self, request: Request, /, *, correlation_id: str, time_left: TimeLeft) -> object:
        """Raises CardDeclined and StripeRefused, which are noted in the row then, and TryAgain."""
        ...


@dataclass(frozen=True, kw_only=True)
class FinishBilling:
    """`makes`: how an open request ends, by its kind. Afterwards the key's ledger row is final."""

    carry_out: CarryOut
    makes: Mapping[str, Makes]
    change_subscription: ChangeSubscription

    @classmethod
    def over(cls, carry_out: CarryOut) -> "FinishBilling":
        """With the use cases of the API over the same ports; every call reads the key by itself."""
        made = MakeCustomer(carry_out=carry_out, check_key=_unchecked).made
        subscribed = Subscribe(carry_out=carry_out, check_key=_unchecked).made
        return cls(
            carry_out=carry_out,
            makes={"customer": made, "subscription": subscribed},
            change_subscription=ChangeSubscription(carry_out=carry_out, check_key=_unchecked),
        )

    @property
    def finish(self) -> Mapping[str, Finish]:
        """By the word before `_` in the ids of the rows."""
        return {"req": self.request, "sub": self.change}

    # --- requests ----------------------------------------------------------------------------

    def request(self, operation: Operation, correlation_id: str, time_left: TimeLeft) -> None:
        """End the request's call with this key.

        Raises TryAgain while that cannot be done yet, NextNotQueuedError when the request goes on
        under another key that is not in the queue.
        """
        request = self._request(operation)
        make = self.makes.get(request.kind)
        if make is None:
            raise UnreadableOperationError(operation.aggregate_id)
        reason = _KNOWN_BEFORE
        if _is_open_under(request, operation):
            try:
                make(request, correlation_id=correlation_id, time_left=time_left)
            except (CardDeclined, StripeRefused) as error:
                # An end like any other, where it stands in the row.
                if _is_open_under(self._request(operation), operation):
                    raise
                reason = error.code
            except TryAgain:
                if _is_open_under(self._request(operation), operation):
                    raise
            request = self._request(operation)
        if request.is_open:
            # The next attempt has a key, a ledger row and so an operation of its own.
            self._put(request, request.call, correlation_id)
            reason = NEVER_MADE
        self._closed(operation, f"answer.{request.kind}.create", reason, correlation_id)

    def _request(self, operation: Operation) -> Request:
        found = self.carry_out.requests.get(operation.aggregate_id, Request)
        if found is None:
            raise NotYetKnown(f"{operation.aggregate_id} has no row")
        return found

    # --- changes of a subscription -----------------------------------------------------------

    def change(self, operation: Operation, correlation_id: str, time_left: TimeLeft) -> None:
        """End the subscription's call with this key. Raises as `request` does."""
        row, call = self._call(operation)
        if call is not None and call.state is CallState.OPEN:
            try:
                self._made(row, call, correlation_id=correlation_id, time_left=time_left)
            except (CardDeclined, StripeRefused, TryAgain):
                if not self._has_ended(operation):
                    raise
            row, call = self._call(operation)
        if call is not None and call.refusal == NEVER_MADE:
            self._asked_anew(row, call, correlation_id)
        kind = call.kind if call else "update"
        reason = (call and call.refusal) or _KNOWN_BEFORE
        self._closed(operation, f"answer.subscription.{kind}", reason, correlation_id)

    def _call(self, operation: Operation) -> tuple[Subscription, StripeCall | None]:
        """None once it is done for so long that others took its place in the row."""
        row = self.carry_out.requests.get(operation.aggregate_id, Subscription)
        if row is None:
            raise NotYetKnown(f"{operation.aggregate_id} has no row")
        named = [c for c in row.calls if c.idempotency_key == operation.idempotency_key]
        return row, named[0] if named else None

    def _has_ended(self, operation: Operation) -> bool:
        _, call = self._call(operation)
        return call is None or call.state is not CallState.OPEN

    def _made(
        self, row: Subscription, call: StripeCall, *, correlation_id: str, time_left: TimeLeft
    ) -> None:
        tried = call.tried(at=int(self.carry_out.clock.now()))
        after = row.with_call(tried).written(at=row.updated_at)
        self.carry_out.requests.save(row, after)
        self.change_subscription.made(
            after, tried, correlation_id=correlation_id, time_left=time_left
        )

    def _asked_anew(self, row: Subscription, call: StripeCall, correlation_id: str) -> None:
        """The same request as the next call, unless somebody has put one in its place."""
        after = row if in_its_place(row, call) else with_next_call(row, call)
        if after is not row:
            after = after.written(at=row.updated_at)
            self.carry_out.requests.save(row, after)
        again = in_its_place(after, call)
        if again is not None:
            self._put(after, again, correlation_id)

    # --- the end -----------------------------------------------------------------------------

    def _put(self, aggregate: Aggregate, call: StripeCall, correlation_id: str) -> None:
        operation = Operation(
            aggregate_id=aggregate.id, call=call.idempotency_key, correlation_id=correlation_id
        )
        try:
            self.carry_out.defer.operations.put(operation)
        except Exception as error:
            raise NextNotQueuedError(call.idempotency_key) from error

    def _closed(
        self, operation: Operation, event_type: str, reason: str, correlation_id: str
    ) -> None:
        """A final ledger row where no answer wrote one, so that no row waits for ever."""
        at = iso(self.carry_out.clock.now())
        row = LedgerRow(
            event_id=answer_id(operation.idempotency_key),
            event_type=event_type,
            outcome=Outcome.UNCHANGED,
            reason=reason,
            livemode=self.carry_out.stage.livemode,
            received_at=at,
            decided_at=at,
            aggregate_id=operation.aggregate_id,
            correlation_id=correlation_id,
        )
        try:
            self.carry_out.books.commit(Commit(rows=(row,)))
        except AlreadyApplied:
            return


def _is_open_under(request: Request, operation: Operation) -> bool:
    """Is it still this key's call of which nothing is known?"""
    return request.is_open and request.call.idempotency_key == operation.idempotency_key


def _unchecked() -> None:
    """The rows are there already: without a key the call itself says so, and waits."""
