"""What charges' events mean: a charge moves nothing by itself, it makes us look at its intent.

`charge.succeeded` and `charge.pending` have no rule: they come with every payment, and say nothing
that the intent's own events do not.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from paidonce.domain.ledger import Outcome
from paidonce.domain.ownership import id_in
from paidonce.domain.payment import Band, Payment, PaymentStatus
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting
from paidonce.rules import payment_intent, refund

# Whose intent is not the payment's: a shopper's second try, or a payment from elsewhere.
STRAY = "charge_of_stray"


@decides("charge.captured", "charge.expired", resource="charge", of=Payment)
def end(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """The intent has ended, by a capture or because nobody captured it in time."""
    return _by_its_intent(payment, seen, lambda _: False)


@decides("charge.failed", "charge.updated", resource="charge", of=Payment, reads=("ch_", "py_"))
def change(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """The intent is asked where the charge says something that the row does not show."""
    return _by_its_intent(payment, seen, lambda charge: _shows(payment, charge))


@decides("charge.refunded", resource="charge", of=Payment)
def refunded(payment: Payment, seen: Sighting) -> Verdict[Payment]:
    """Each refund has events of its own; a charge tells only of those that it carries in full.

    Since 2022-11-15 it carries none: https://docs.stripe.com/changelog#2022-11-15
    """
    if not payment.is_charged_by(seen.object):
        return _stray(payment)
    carried = seen.object.get("refunds")
    verdict = Verdict(after=payment)
    for found in carried.get("data", ()) if isinstance(carried, Mapping) else ():
        more = refund.noted(verdict.after, found)
        verdict = replace(more, notices=verdict.notices + more.notices)
    return verdict


def _by_its_intent(
    payment: Payment, seen: Sighting, is_known: Callable[[Mapping[str, Any]], bool]
) -> Verdict[Payment] | FetchFirst:
    """What the intent's own rule says, once it was read; nothing that was over before is read."""
    found = seen.object
    if found["object"] == "payment_intent":
        verdict = payment_intent.settle(payment, seen)
        # The intent's own events tell of a stray, and have it cancelled.
        return _stray(payment) if _is_superseded(verdict) else verdict
    intent_id = id_in(found.get("payment_intent"))
    if payment.payment_intent_id not in (None, intent_id):
        return _stray(payment)
    if intent_id is None or payment.status.band is Band.FINAL or is_known(found):
        return Verdict(after=payment)
    return FetchFirst(intent_id, resource="payment_intent")


def _shows(payment: Payment, charge: Mapping[str, Any]) -> bool:
    """Does the payment show all that its intent can have come to with this charge?"""
    if charge["status"] == "failed":
        has_failed = payment.status is PaymentStatus.FAILED and payment.charge_id == charge["id"]
        return has_failed or payment.status.band is Band.AUTHORIZED
    if charge["status"] == "pending":
        return payment.status is PaymentStatus.PROCESSING
    return not charge["captured"] and payment.status.band is Band.AUTHORIZED


def _is_superseded(verdict: Verdict[Payment] | FetchFirst) -> bool:
    return isinstance(verdict, Verdict) and verdict.outcome is Outcome.SUPERSEDED


def _stray(payment: Payment) -> Verdict[Payment]:
    return Verdict(after=payment, outcome=Outcome.SUPERSEDED, reason=STRAY)
