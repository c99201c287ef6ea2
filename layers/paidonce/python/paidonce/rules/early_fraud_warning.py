"""What early fraud warnings' events mean for the payment that they are about."""

from paidonce.domain.fraud_warning import FraudWarning
from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import FetchFirst, Verdict, decides
from paidonce.domain.sighting import Sighting, Source

_ALARM = "FraudWarnings"


@decides(
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    resource="radar.early_fraud_warning",
    of=Payment,
    reads=("issfr_",),
)
def settle(payment: Payment, seen: Sighting) -> Verdict[Payment] | FetchFirst:
    """A warning is told once, and only if it is actionable at Stripe now: a refund may follow.

    One that is not is recorded all the same, so that an older event about it tells nothing. One
    about a stray intent's charge is for a person: who refunds because of it must not refund ours.
    """
    shown = FraudWarning.of(seen.object)
    if not payment.is_charged_by(seen.object):
        return _of_stray(payment, shown)
    known = {warning.id: warning for warning in payment.fraud_warnings}.get(shown.id)
    if shown == known:
        return Verdict(after=payment)
    if seen.source is Source.PAYLOAD:
        return FetchFirst(shown.id)
    is_news = known is None and shown.actionable
    return Verdict(
        after=payment.with_fraud_warning(shown),
        notices=(("fraud.warned", shown.id),) if is_news else (),
        alarms=(_ALARM,) if is_news else (),
    )


def _of_stray(payment: Payment, shown: FraudWarning) -> Verdict[Payment]:
    return Verdict(
        after=payment,
        outcome=Outcome.SUPERSEDED,
        reason="warning_of_stray",
        alarms=(_ALARM,) if shown.actionable else (),
    )
