"""What the events of Stripe's own page mean for the payment that is made on it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain.ledger import Outcome
from paidonce.domain.ownership import ATTEMPT_MARK, id_in, marks_of
from paidonce.domain.payment import SESSIONS_PATH, Band, Payment, PaymentStatus
from paidonce.domain.payment_calls import with_canceled_creation
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting
from paidonce.rules import payment_intent

# Statuses in which an intent waits for somebody to pay on the page.
_WAITS_FOR_PAGE = (PaymentStatus.PENDING, PaymentStatus.FAILED)


def _takes_a_payment(session: Mapping[str, Any]) -> bool:
    """Pages for a subscription or a card on file: what they make has events of its own."""
    # The first pages had no mode: they took payments.
    return session.get("mode") in (None, "payment")


@decides(
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    resource="checkout.session",
    of=Payment,
    reads=("cs_",),
    only=_takes_a_payment,
)
def settle(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """A page names the payment's intent, and an expired one ends a payment that nobody can pay.

    Whether it was paid is the intent's to say.
    """
    session = seen.object
    if session["object"] == "payment_intent":
        return _expired_with(payment, seen)
    intent_id = id_in(session.get("payment_intent"))
    if _is_stray(payment, session, intent_id):
        return Verdict(after=payment, outcome=Outcome.SUPERSEDED, reason="session_of_stray")
    if payment.status.band is Band.FINAL:
        return Verdict(after=payment)
    linked = replace(
        payment,
        checkout_session_id=session["id"],
        payment_intent_id=payment.payment_intent_id or intent_id,
    )
    return _linked(linked, status=session["status"])


def _linked(payment: Payment, *, status: str) -> Verdict[Payment] | FetchFirst:
    """By the page's status, once its intent is noted."""
    intent_id = payment.payment_intent_id
    if status == "expired":
        if intent_id is not None:
            return FetchFirst(intent_id, resource="payment_intent")
        return Verdict(after=with_canceled_creation(payment))
    if status == "complete" and intent_id is None:
        # Nothing had to be paid, which is not what we asked.
        return Verdict(after=payment, reason="amount_mismatch", alarms=("AmountMismatch",))
    return Verdict(after=payment)


def _is_stray(payment: Payment, session: Mapping[str, Any], intent_id: str | None) -> bool:
    """Another page than the payment's, or one with another intent; unknown, the attempt decides."""
    if intent_id is not None and payment.payment_intent_id not in (None, intent_id):
        return True
    if payment.checkout_session_id is not None:
        return bool(session["id"] != payment.checkout_session_id)
    creation = payment.creation
    attempt = marks_of(session).get(ATTEMPT_MARK)
    return creation.path != SESSIONS_PATH or attempt != str(creation.attempt)


def _expired_with(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """The page is over and its intent was read: only on the page it could have been confirmed.

    https://docs.stripe.com/api/checkout/sessions/object (`payment_intent`)
    """
    verdict = payment_intent.settle(payment, seen)
    if isinstance(verdict, FetchFirst):
        return verdict
    if verdict.outcome is Outcome.SUPERSEDED:
        # The intent's own events tell of a stray, and have it cancelled.
        return Verdict(after=payment, outcome=Outcome.SUPERSEDED, reason="session_of_stray")
    after = verdict.after
    if after.status not in _WAITS_FOR_PAGE:
        return verdict
    return replace(verdict, after=with_canceled_creation(after))
