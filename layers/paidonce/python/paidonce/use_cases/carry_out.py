"""Carry a request out: note the try, make the call that stands in it, note what Stripe made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, TypeVar

from paidonce.domain.aggregate import Aggregate, told
from paidonce.domain.entitlement import view_of
from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    FailureStored,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso
from paidonce.domain.ownership import ATTEMPT_MARK, REQUEST_MARK, Stage
from paidonce.domain.payment import LastError
from paidonce.domain.request import Request
from paidonce.use_cases.defer import Defer
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.ports import AlreadyApplied, Books, Clock, Commit, Telemetry, TimeLeft
from paidonce.use_cases.request_books import RequestBooks
from paidonce.use_cases.stripe_ports import Answer, StripeGateway
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

A = TypeVar("A", bound=Aggregate)

# What may still be on its way to Stripe's lists, and how far our clock and Stripe's may be apart
# (design 3.5).
_PROOF_AFTER_SECONDS = 15 * 60
_CLOCKS_APART_SECONDS = 5 * 60
# What has ended proves that it was made, and Stripe lists it only where it is asked for:
# https://docs.stripe.com/api/subscriptions/list
_ALL_OF: Mapping[str, Mapping[str, str]] = {"subscription": {"status": "all"}}


@dataclass(frozen=True)
class Made(Generic[A]):
    """A row that begins with an answer: as nothing was known of it, and as it is written."""

    before: A
    after: A


class Ended(Enum):
    """How a request for something of Stripe's ended."""

    MADE = "made"
    REPEATED = "repeated"  # the same key, and all was done before
    SAME_USER = "same_user"  # another key for what the user already has
    NOT_KNOWN_YET = "not_known_yet"  # Stripe may or may not have done it


@dataclass(frozen=True, kw_only=True)
class CarryOut:
    """What customers, subscriptions and portal sessions share. `jitter`: numbers from 0 to 1."""

    books: Books
    requests: RequestBooks
    gateway: StripeGateway
    defer: Defer
    clock: Clock
    telemetry: Telemetry
    stage: Stage
    jitter: Callable[[], float]

    def __call__(self, request: Request, *, time_left: TimeLeft) -> tuple[Request, Answer | None]:
        """Make the call of an open request; no answer when somebody else has noted it meanwhile.

        Raises OutcomeUnknown, KeyRefused, NotConfigured; CardDeclined and StripeRefused, which
        are written into the row.
        """
        request, found = self._tried(request, time_left=time_left)
        if found is not None or not request.is_open:
            return request, found
        try:
            return request, self.gateway.send(request.call, time_left=time_left)
        except CardDeclined as error:
            why = LastError(
                code=error.stripe_code, decline_code=error.decline_code, message=str(error)
            )
            self._saved(request, request.refused(why))
            raise
        except StripeRefused:
            self._saved(request, request.refused())
            raise
        except FailureStored:
            self._saved(request, request.spent())
            raise

    def left(
        self,
        aggregate: Aggregate,
        idempotency_key: str,
        error: OutcomeUnknown | KeyRefused | NotConfigured,
        *,
        correlation_id: str,
    ) -> None:
        """Leave a call without an outcome to `run_operation`: the caller is answered 202.

        A key that Stripe refused is raised again, once somebody is sure to go on; OutcomeUnknown
        where nobody is.
        """
        unknown = error if isinstance(error, OutcomeUnknown) else OutcomeUnknown(error.code)
        self.defer(aggregate, idempotency_key, unknown, correlation_id=correlation_id)
        if not isinstance(error, OutcomeUnknown):
            raise error

    def revived(self, request: Request) -> Request:
        """A refused request, about to be asked again: Stripe said that nothing was made."""
        return self._saved(request, request.again()) if request.is_refused else request

    def note(
        self, request: Request, answer: Answer, *, made: Made[Any] | None, correlation_id: str
    ) -> Request:
        """Write what Stripe made, the request's end and the ledger's row in one transaction.

        A row of `made` that is there already (a webhook was faster) stays as it is, and was told
        of. Raises OutcomeUnknown when five rounds met conflicts: a repeat will note the same
        answer.
        """
        row = self._row_of(request, answer, correlation_id)
        for round_number in range(ROUNDS_MAX):
            try:
                if round_number:
                    request = self.requests.get(request.id, Request) or request
                if not request.is_open:
                    return request
                known = made and round_number and self._stands(made.after)
                after = request.answered(answer.seen.object["id"]).written(at=row.decided_at)
                self.books.commit(
                    Commit(
                        rows=(row if made is None or known else self._telling(row, made, answer),),
                        made=() if made is None or known else (made.after,),
                        changed=((request, after),),
                    )
                )
            except AlreadyApplied:
                continue
            except TryAgain:
                self._pause()
            else:
                self._tell(after, row)
                return after
        raise OutcomeUnknown(f"the answer for {request.id} could not be noted")

    def _tried(self, request: Request, *, time_left: TimeLeft) -> tuple[Request, Answer | None]:
        """Write that a call is about to be made; where its key is of no use, look first."""
        for _ in range(ROUNDS_MAX):
            now, call = int(self.clock.now()), request.call
            try:
                if not call.may_be_sent(at=now, key_fresh_seconds=KEY_IS_FRESH_SECONDS):
                    since = call.first_tried_at or now
                    found = self._found(request, since=since, time_left=time_left)
                    if found is not None:
                        return request, found
                    request = self._next_attempt(request, now)
                return self._put(request, request.tried(at=now)), None
            except ChangedMeanwhile:
                self._pause()
                request = self.requests.get(request.id, Request) or request
                if not request.is_open:
                    return request, None
        raise OutcomeUnknown(f"{request.id} met {ROUNDS_MAX} conflicts")

    def _found(self, request: Request, *, since: int, time_left: TimeLeft) -> Answer | None:
        """What an earlier try made, by its marks: Stripe's lists leave nothing out, its search may.

        A portal session has no marks and no worth: another one takes its place.
        """
        if request.kind == "portal":
            return None
        marks = {REQUEST_MARK: request.id, ATTEMPT_MARK: str(request.attempt)}
        try:
            for found in self.gateway.listed(
                request.kind,
                created_from=since - _CLOCKS_APART_SECONDS,
                time_left=time_left,
                only=_ALL_OF.get(request.kind),
            ):
                if marks.items() <= (found.get("metadata") or {}).items():
                    return self.gateway.get(request.kind, found["id"], time_left=time_left)
        except (TryAgain, StripeRefused) as error:
            raise OutcomeUnknown(f"{request.id} cannot be proven now") from error
        return None

    def _next_attempt(self, request: Request, now: int) -> Request:
        if now - (request.call.last_tried_at or 0) < _PROOF_AFTER_SECONDS:
            raise OutcomeUnknown(f"{request.id} was tried a moment ago")
        return self._put(request, request.again())

    def _put(self, before: Request, after: Request) -> Request:
        written = after.written(at=iso(self.clock.now()))
        self.requests.save(before, written)
        return written

    def _saved(self, before: Request, after: Request) -> Request:
        """Written, or as somebody else has just left it."""
        try:
            return self._put(before, after)
        except ChangedMeanwhile:
            return self.requests.get(before.id, Request) or before

    def _pause(self) -> None:
        self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())

    def _stands(self, made: Aggregate) -> Aggregate | None:
        return self.requests.get(made.id, type(made))

    def _telling(self, row: LedgerRow, made: Made[Any], answer: Answer) -> LedgerRow:
        """The ledger's row with what the bus hears of a row that begins here."""
        now = self.clock.now()
        view = view_of(made.after, policy=self.stage.policy, now=now)
        at = iso(answer.seen.as_of)
        events = told(made.before, made.after, notices=(), at=at, view=view)
        return replace(row, domain_events=events)

    def _row_of(self, request: Request, answer: Answer, correlation_id: str) -> LedgerRow:
        at = iso(self.clock.now())
        return LedgerRow(
            event_id=f"answer#{request.call.idempotency_key}",
            event_type=f"answer.{request.kind}.create",
            outcome=Outcome.APPLIED,
            livemode=self.stage.livemode,
            received_at=at,
            decided_at=at,
            aggregate_id=request.id if request.kind == "portal" else answer.seen.object["id"],
            request_id=answer.request_id,
            correlation_id=correlation_id,
        )

    def _tell(self, request: Request, row: LedgerRow) -> None:
        self.telemetry.fact(
            "answer noted",
            aggregate_id=row.aggregate_id,
            request=request.id,
            idempotency_key=request.call.idempotency_key,
            outcome=row.outcome.value,
            stripe_request_id=row.request_id,
            correlation_id=row.correlation_id,
        )
