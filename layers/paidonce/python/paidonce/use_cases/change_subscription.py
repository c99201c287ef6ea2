"""Change or end a subscription: the call stands in its row before it is made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from paidonce.domain import decline
from paidonce.domain.caller import Caller
from paidonce.domain.errors import (
    CardDeclined,
    ChangedMeanwhile,
    FailureStored,
    IdempotencyConflict,
    KeyRefused,
    NotConfigured,
    OutcomeUnknown,
    StateConflict,
    StripeRefused,
    TryAgain,
)
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.invoice import WITH_ERROR
from paidonce.domain.payment_calls import NEVER_MADE
from paidonce.domain.stripe_call import CallState, StripeCall
from paidonce.domain.subscription import (
    CALLS_MAX,
    Subscription,
    changed_lines,
    failed_invoice_id,
)
from paidonce.domain.subscription_calls import call_key, shows
from paidonce.use_cases.carry_out import CarryOut, Ended
from paidonce.use_cases.note_answer import ROUND_PAUSE_SECONDS_MAX, ROUNDS_MAX
from paidonce.use_cases.note_change import NoteChange
from paidonce.use_cases.ports import TimeLeft
from paidonce.use_cases.read_billing import subscription_seen_by
from paidonce.use_cases.stripe_ports import Answer
from paidonce.use_cases.subscribe import EXPANDED, SUBSCRIPTIONS_PATH
from paidonce.use_cases.take_payment import KEY_IS_FRESH_SECONDS

_PATH = f"{SUBSCRIPTIONS_PATH}/{{id}}"
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is wanted of a subscription, checked. `lines`: (price id, quantity), all it shall have.

    `ends_now` is a DELETE. A DELETE has no key: `idempotency_key` and `body_hash` are None then.
    """

    caller: Caller
    subscription_id: str
    idempotency_key: str | None = None
    body_hash: str | None = None
    lines: Sequence[tuple[str, int]] | None = None
    cancel_at_period_end: bool | None = None
    ends_now: bool = False

    @property
    def caller_key(self) -> str | None:
        """Names the caller's request; None for a DELETE."""
        if self.idempotency_key is None:
            return None
        caller, route = self.caller, f"POST /subscriptions/{self.subscription_id}"
        return fingerprint(caller.issuer, caller.subject, route, self.idempotency_key)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The subscription as its row stands."""

    subscription: Subscription
    how: Ended


@dataclass(frozen=True, kw_only=True)
class ChangeSubscription:
    """The verb behind POST and DELETE /subscriptions/{id}."""

    carry_out: CarryOut
    check_key: Callable[[], object]

    def __call__(self, change: Change, *, correlation_id: str, time_left: TimeLeft) -> Changed:
        """The subscription after it.

        Raises NotFound, NotConfigured, KeyRefused, IdempotencyConflict, StateConflict,
        CardDeclined, StripeRefused, TryAgain (OutcomeUnknown: not even recorded).
        """
        row = self._row(change)
        self.check_key()
        row, call = self._recorded(row, change, time_left=time_left)
        if call is None or call.state is CallState.DONE:
            return Changed(subscription=row, how=Ended.REPEATED)
        try:
            row = self.made(row, call, correlation_id=correlation_id, time_left=time_left)
            return Changed(subscription=row, how=Ended.MADE)
        except (OutcomeUnknown, KeyRefused, NotConfigured) as error:
            key = call.idempotency_key
            self.carry_out.left(row, key, error, correlation_id=correlation_id)
            return Changed(subscription=row, how=Ended.NOT_KNOWN_YET)

    def made(
        self, row: Subscription, call: StripeCall, *, correlation_id: str, time_left: TimeLeft
    ) -> Subscription:
        """The row once its call, whose try is noted, has ended; for `run_operation` too."""
        answer = self._asked(row, call, time_left=time_left)
        note = NoteChange(
            carry_out=self.carry_out, look=lambda row: self._seen_now(row, time_left).seen
        )
        return note(row, call, answer, correlation_id=correlation_id)

    def _row(self, change: Change) -> Subscription:
        found = self.carry_out.requests.get(change.subscription_id, Subscription)
        return subscription_seen_by(change.caller, found)

    def _recorded(
        self, row: Subscription, change: Change, *, time_left: TimeLeft
    ) -> tuple[Subscription, StripeCall | None]:
        """The row with the call of this change about to be made; none where nothing is left."""
        for _ in range(ROUNDS_MAX):
            known = _known(row, change)
            if known is not None and known.state is CallState.DONE:
                return row, known
            if known is not None and known.state is CallState.REFUSED:
                raise _declined(known)
            if known is None and row.is_ended:
                if change.ends_now:
                    return row, None
                raise StateConflict("The subscription has ended: make a new one.")
            before = row
            call = known or self._new_call(row, change, time_left=time_left)
            call = call.tried(at=int(self.carry_out.clock.now()))
            row = row.with_call(call).written(at=row.updated_at)
            try:
                self.carry_out.requests.save(before, row)
            except ChangedMeanwhile:
                self._pause()
                row = self._row(change)
            else:
                return row, call
        raise OutcomeUnknown(f"{row.id} met {ROUNDS_MAX} conflicts")

    def _new_call(self, row: Subscription, change: Change, *, time_left: TimeLeft) -> StripeCall:
        if sum(call.state is CallState.OPEN for call in row.calls) >= CALLS_MAX:
            raise StateConflict("The subscription has too many changes under way.")
        kind = "cancel" if change.ends_now else "update"
        method: Literal["post", "delete"] = "delete" if change.ends_now else "post"
        return StripeCall(
            kind=kind,
            idempotency_key=call_key(row, kind),
            path=_PATH,
            object_id=row.id,
            method=method,
            params=self._params(row, change, time_left=time_left),
            caller_key=change.caller_key,
            body_hash=change.body_hash,
        )

    def _params(
        self, row: Subscription, change: Change, *, time_left: TimeLeft
    ) -> Mapping[str, Any]:
        """https://docs.stripe.com/api/subscriptions/update."""
        if change.ends_now:
            return {"expand": ["latest_invoice"]}
        params: dict[str, Any] = {"expand": list(EXPANDED)}
        if change.cancel_at_period_end is not None:
            params["cancel_at_period_end"] = change.cancel_at_period_end
        if change.lines is not None:
            # Items are changed by their ids: they must be those of now.
            now = row.shown(self._seen_now(row, time_left).seen.object)
            params |= {
                "items": changed_lines(now.lines, change.lines),
                "proration_behavior": "create_prorations",
                # What must be paid at once and cannot be changes nothing: 402.
                "payment_behavior": "error_if_incomplete",
            }
        return params

    def _read(self, subscription_id: str, time_left: TimeLeft) -> Answer:
        """With why its latest invoice failed: the row may become late with this look."""
        get = self.carry_out.gateway.get
        answer = get("subscription", subscription_id, time_left=time_left, expand=EXPANDED)
        found = answer.seen.object
        invoice_id = failed_invoice_id(found)
        if invoice_id is None:
            return answer
        looked = get("invoice", invoice_id, time_left=time_left, expand=(WITH_ERROR,))
        whole = {**found, "latest_invoice": looked.seen.object}
        return replace(answer, seen=replace(answer.seen, object=whole))

    def _asked(self, row: Subscription, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        now = int(self.carry_out.clock.now())
        if call.method == "post" and not call.may_be_sent(
            at=now, key_fresh_seconds=KEY_IS_FRESH_SECONDS
        ):
            return self._proven(row, call, time_left=time_left)
        try:
            answer = self.carry_out.gateway.send(call, time_left=time_left)
            if not answer.replayed:
                return answer
        except FailureStored:
            self._keep(row, call.spent())
            raise
        except CardDeclined as error:
            codes = {"stripe_code": error.stripe_code, "decline_code": error.decline_code}
            self._keep(row, call.refused(CardDeclined.code, **codes))
            raise
        except StripeRefused as error:
            if call.method == "post" or error.http_status != _NOT_FOUND:
                self._keep(row, call.refused(StripeRefused.code, stripe_code=error.stripe_code))
                raise
        # Done before: a stored answer is old, and what has ended is not found by a DELETE.
        return self._seen_now(row, time_left)

    def _proven(self, row: Subscription, call: StripeCall, *, time_left: TimeLeft) -> Answer:
        """The key is of no use any more: the subscription itself tells whether it was done."""
        answer = self._seen_now(row, time_left)
        if shows(row.shown(answer.seen.object), call):
            return answer
        self._keep(row, call.refused(NEVER_MADE))
        raise OutcomeUnknown(f"{call.idempotency_key} was not done: the next try is a new call")

    def _seen_now(self, row: Subscription, time_left: TimeLeft) -> Answer:
        try:
            return self._read(row.id, time_left)
        except (KeyRefused, NotConfigured):
            raise
        except TryAgain as error:
            raise OutcomeUnknown(f"{row.id} cannot be read now") from error

    def _keep(self, row: Subscription, call: StripeCall) -> None:
        """Note what became of a call; where somebody else has just written, a repeat notes it."""
        after = row.with_call(call).written(at=row.updated_at)
        try:
            self.carry_out.requests.save(row, after)
        except ChangedMeanwhile:
            self.carry_out.telemetry.fact("call not noted", idempotency_key=call.idempotency_key)

    def _pause(self) -> None:
        self.carry_out.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.carry_out.jitter())


def _known(row: Subscription, change: Change) -> StripeCall | None:
    """The call that an earlier try recorded; one that Stripe called wrong may be made anew."""
    if change.caller_key is None:
        return next((c for c in row.calls if _is_same_delete(c, change)), None)
    for call in reversed(row.calls):
        if call.caller_key == change.caller_key:
            if call.body_hash != change.body_hash:
                raise IdempotencyConflict("This Idempotency-Key came before with another body.")
            was_refused = call.state is CallState.REFUSED
            return None if was_refused and call.refusal != CardDeclined.code else call
    return None


def _declined(call: StripeCall) -> CardDeclined:
    """A card's refusal is final for its key: told again, never asked again."""
    message = decline.message_for(code=call.stripe_code, decline_code=call.decline_code)
    return CardDeclined(message, stripe_code=call.stripe_code, decline_code=call.decline_code)


def _is_same_delete(call: StripeCall, change: Change) -> bool:
    """An unfinished DELETE of this kind goes on; one that is done may be wanted again."""
    is_ours = call.caller_key is None and call.state is CallState.OPEN
    return is_ours and (call.method == "delete") is change.ends_now
