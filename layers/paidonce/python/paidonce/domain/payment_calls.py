"""The calls to Stripe that a payment can need: their keys, their order, and what proves them done.

Keys follow one table (design 3.3): `<our id>_a<attempt>` creates, `<our id>_capture_<n>` and
`<our id>_cancel_<n>` change. `n` is the number of calls of that kind so far plus one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain.errors import StateConflict
from paidonce.domain.ownership import ATTEMPT_MARK
from paidonce.domain.payment import SESSIONS_PATH, Payment, PaymentStatus
from paidonce.domain.stripe_call import CallState, StripeCall

CREATE = "create"
# A session at Stripe's own page instead of an intent: the page makes the intent when it is paid.
CHECKOUT = "checkout"
CAPTURE = "capture"
CANCEL = "cancel"
# An intent that carries our mark but is not the payment's: nobody may pay it.
CANCEL_STRAY = "cancel_stray"

_INTENTS = "/v1/payment_intents"
EXPIRE_PATH = f"{SESSIONS_PATH}/{{id}}/expire"
_PATH_OF = {
    CREATE: _INTENTS,
    CAPTURE: f"{_INTENTS}/{{id}}/capture",
    CANCEL: f"{_INTENTS}/{{id}}/cancel",
    CANCEL_STRAY: f"{_INTENTS}/{{id}}/cancel",
}
# A payment's row holds its calls; more than this is no shop's work, and the row must stay small.
CALLS_MAX = 20
# Not made, and proven so by a list of what Stripe holds.
NEVER_MADE = "never_made"


def creation_call(payment: Payment) -> StripeCall:
    """The creation, which stands at the top of the row, in the shape of every other call."""
    creation = payment.creation
    return StripeCall(
        kind=CHECKOUT if creation.path == SESSIONS_PATH else CREATE,
        idempotency_key=creation.idempotency_key,
        path=creation.path,
        params=creation.params,
        first_tried_at=creation.first_tried_at,
        last_tried_at=creation.last_tried_at,
        is_spent=creation.is_spent,
    )


def new_call(
    payment: Payment,
    kind: str,
    params: Mapping[str, Any],
    *,
    caller_key: str | None = None,
    body_hash: str | None = None,
) -> StripeCall:
    """The next call of this kind; raises StateConflict when the payment has had too many."""
    if len(payment.calls) >= CALLS_MAX:
        raise StateConflict(f"The payment was changed {CALLS_MAX} times: that is the limit.")
    number = sum(call.kind == kind for call in payment.calls) + 1
    return StripeCall(
        kind=kind,
        idempotency_key=f"{payment.id}_{kind}_{number}",
        path=_PATH_OF[kind],
        params=params,
        object_id=payment.payment_intent_id,
        caller_key=caller_key,
        body_hash=body_hash,
    )


def aimed(payment: Payment, call: StripeCall) -> StripeCall | None:
    """The call at what it is about; None while neither intent nor page is known.

    A payment on Stripe's own page is cancelled by closing the page, unless its money is held:
    https://docs.stripe.com/api/payment_intents/cancel. Once tried, a call stays as it is: its key
    means that very request at Stripe.
    """
    if call.last_tried_at is not None and call.object_id is not None:
        return call
    page_id = payment.checkout_session_id
    if call.kind == CANCEL and page_id and payment.status is not PaymentStatus.AUTHORIZED:
        return replace(call, path=EXPIRE_PATH, object_id=page_id)
    if payment.payment_intent_id is not None:
        return replace(call, object_id=payment.payment_intent_id)
    return None


def resource_of(call: StripeCall) -> str:
    """What a GET must read to see what became of a call."""
    return "checkout.session" if call.path.startswith(SESSIONS_PATH) else "payment_intent"


def stray_key(aggregate_id: str, intent_id: str) -> str:
    """Named by the intent and not by a number: however often it is told of, it is one call."""
    return f"{aggregate_id}_{CANCEL_STRAY}_{intent_id}"


def stray_cancel(payment: Payment, intent_id: str) -> StripeCall:
    """The cancel of an intent that is not the payment's; it needs no place in the row.

    Its key names it in the ledger; at Stripe each try has a key of its own (`tried_at`).
    """
    return StripeCall(
        kind=CANCEL_STRAY,
        idempotency_key=stray_key(payment.id, intent_id),
        path=_PATH_OF[CANCEL_STRAY],
        params={},
        object_id=intent_id,
    )


def tried_at(call: StripeCall, at: int) -> StripeCall:
    """A stray's cancel under the key of a try at this second.

    Stripe gives a refusal again under its key, and what is refused while the bank decides must be
    asked anew afterwards. A second cancel does no harm: it is refused, as the intent is canceled.
    """
    return replace(call, idempotency_key=f"{call.idempotency_key}_{at}")


def call_under(payment: Payment, idempotency_key: str) -> StripeCall | None:
    """The call with this key, unless it is the creation."""
    return next((c for c in payment.calls if c.idempotency_key == idempotency_key), None)


def call_of(payment: Payment, caller_key: str) -> StripeCall | None:
    """The last call that was made for this key of the caller's: a repeat goes on with it."""
    return next((c for c in reversed(payment.calls) if c.caller_key == caller_key), None)


def is_wanted(payment: Payment, call: StripeCall) -> bool:
    """Does the payment stand as the call would leave it, whoever brought it there?"""
    if call.kind == CAPTURE:
        amount = call.params.get("amount_to_capture", payment.money.minor)
        paid = payment.status is PaymentStatus.PAID
        return paid and payment.amount_captured_minor == amount
    return payment.status is PaymentStatus.CANCELED


def ended_by(call: StripeCall, intent: Mapping[str, Any]) -> StripeCall | None:
    """The call as the intent's (or page's) final state ends it; None while that is open."""
    status = intent["status"]
    if call.path == EXPIRE_PATH:
        ends = {"expired": call.ended(CallState.DONE), "complete": call.refused(StateConflict.code)}
        return ends.get(status)
    if status not in ("succeeded", "canceled"):
        return None
    is_done = status == "canceled"
    if call.kind == CAPTURE:
        amount = call.params.get("amount_to_capture", intent["amount"])
        is_done = status == "succeeded" and intent["amount_received"] == amount
    return call.ended(CallState.DONE) if is_done else call.refused(StateConflict.code)


def is_complete(payment: Payment) -> bool:
    """Nothing is left to create: intent or session is known, or the payment is canceled."""
    is_made = payment.payment_intent_id is not None or payment.checkout_session_id is not None
    return is_made or payment.status is PaymentStatus.CANCELED


def with_next_attempt(payment: Payment) -> Payment:
    """The creation under the next key, once it is proven that the last one made nothing."""
    creation = payment.creation
    attempt = creation.attempt + 1
    params = _of_attempt(creation.params, attempt)
    return replace(
        payment,
        creation=replace(
            creation,
            attempt=attempt,
            idempotency_key=f"{payment.id}_a{attempt}",
            params=params,
            first_tried_at=None,
            last_tried_at=None,
            is_spent=False,
        ),
    )


def _of_attempt(params: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    """The request with the attempt's mark, also on the intent that a session will make."""
    metadata = {**params.get("metadata", {}), ATTEMPT_MARK: str(attempt)}
    inner = params.get("payment_intent_data")
    intent = {} if inner is None else {"payment_intent_data": {**inner, "metadata": metadata}}
    return {**params, "metadata": metadata, **intent}


def with_next_call(payment: Payment, call: StripeCall) -> Payment:
    """The call given up as never made, and the same request under the next key of its kind."""
    given_up = payment.with_call(call.refused(NEVER_MADE))
    again = new_call(
        given_up,
        call.kind,
        call.params,
        caller_key=call.caller_key,
        body_hash=call.body_hash,
    )
    return given_up.with_call(again)


def with_canceled_creation(payment: Payment) -> Payment:
    """Canceled without a call, once it is proven that no intent exists.

    The attempt rises, so that whoever is about to make the creation finds another one instead.
    """
    ended = with_next_attempt(payment)
    for call in payment.calls:
        if call.kind == CANCEL and call.state is CallState.OPEN:
            ended = ended.with_call(call.ended(CallState.DONE))
    return replace(ended, status=PaymentStatus.CANCELED)
