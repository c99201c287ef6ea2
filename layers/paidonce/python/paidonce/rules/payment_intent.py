"""What a payment intent's events mean for our payment."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain import decline
from paidonce.domain.ledger import Outcome
from paidonce.domain.ownership import id_in
from paidonce.domain.payment import Band, LastError, Payment, PaymentStatus, status_of_intent
from paidonce.domain.payment_restored import restored_payment
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source


@decides(
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    resource="payment_intent",
    of=Payment,
    reads=("pi_",),
    restores=restored_payment,
)
def settle(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """A later band wins, an earlier never; inside the open band the newer look at Stripe wins.

    All seven types carry the whole intent, so its status decides, not the event's name.
    """
    intent = seen.object
    if stray := _stray(payment, intent):
        return stray
    status = status_of_intent(intent)
    known = payment.status
    if known.band is Band.FINAL:
        return _over(payment, seen, status)
    if status is PaymentStatus.PAID and (kept := _not_to_be_paid_yet(payment, seen)):
        return kept
    if status.band > known.band:
        return Verdict(after=_noted(payment, intent, status).known_until(seen))
    if status.band < known.band:
        return Verdict(after=payment)
    return _within_band(payment, seen, status)


def _over(payment: Payment, seen: Sighting, status: PaymentStatus) -> Verdict[Payment]:
    """Nothing moves any more; whoever reads it again doubts what the row says of it."""
    if status is payment.status and seen.source is Source.FETCH:
        return Verdict(after=_noted(payment, seen.object, status).known_until(seen))
    both = status.band is Band.FINAL and status is not payment.status
    return Verdict(
        after=payment,
        reason="paid_and_canceled" if both else None,
        alarms=("PaidAndCanceled",) if both else (),
    )


def _stray(payment: Payment, intent: Mapping[str, Any]) -> Verdict[Payment] | None:
    """An intent with our marker that is not this payment's: superseded, and never to be paid."""
    intent_id = payment.payment_intent_id
    if intent_id is None:
        attempt = str(intent.get("metadata", {}).get("paidonce_attempt"))
        if attempt == str(payment.creation.attempt):
            return None
    elif intent["id"] == intent_id:
        return None
    if intent["status"] == "succeeded":
        return Verdict(
            after=payment,
            outcome=Outcome.SUPERSEDED,
            reason="paid_twice",
            alarms=("PaidTwice",),
        )
    if intent["status"] == "canceled":
        return Verdict(after=payment, outcome=Outcome.SUPERSEDED)
    return Verdict(
        after=payment,
        outcome=Outcome.SUPERSEDED,
        reason="stray_intent",
        notices=(("payment.stray_intent", intent["id"]),),
    )


def _not_to_be_paid_yet(payment: Payment, seen: Sighting) -> Verdict[Payment] | None:
    """Paid needs the amount that we asked for, and Stripe's event rather than its answer."""
    intent = seen.object
    ours = (payment.money.minor, payment.money.currency)
    if (intent["amount"], intent["currency"]) != ours:
        return Verdict(after=payment, reason="amount_mismatch", alarms=("AmountMismatch",))
    if seen.source is Source.ANSWER:
        return Verdict(after=payment, reason="answer_waits_for_event")
    return None


def _within_band(
    payment: Payment, seen: Sighting, status: PaymentStatus
) -> Verdict[Payment] | FetchFirst:
    taken = _noted(payment, seen.object, status)
    if taken == payment and not seen.is_after(payment):
        # Whichever is the newer of the two: they say the same.
        return Verdict(after=payment)
    if seen.source is Source.FETCH or seen.is_after(payment):
        return Verdict(after=taken.known_until(seen))
    if seen.source is Source.ANSWER or seen.is_before(payment):
        return Verdict(after=payment)
    return FetchFirst(seen.object["id"])


def _noted(payment: Payment, intent: Mapping[str, Any], status: PaymentStatus) -> Payment:
    """The payment with all that this look at the intent shows."""
    return replace(
        payment,
        status=status,
        payment_intent_id=intent["id"],
        charge_id=id_in(intent.get("latest_charge")) or payment.charge_id,
        amount_captured_minor=intent.get("amount_received") or 0,
        customer_id=id_in(intent.get("customer")) or payment.customer_id,
        last_error=_last_error(intent.get("last_payment_error")),
    )


def _last_error(error: object) -> LastError | None:
    if not isinstance(error, Mapping):
        return None
    code, decline_code = error.get("code"), error.get("decline_code")
    return LastError(
        code=code,
        decline_code=decline_code,
        message=decline.message_for(code=code, decline_code=decline_code),
    )
