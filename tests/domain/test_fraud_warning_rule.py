"""What early fraud warnings' events mean for the payment that they are about."""

from itertools import permutations
from typing import Any

from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Source
from paidonce.rules.early_fraud_warning import settle

from tests.examples import NOON, a_fraud_warning, a_look
from tests.use_cases.a_refund_desk import a_paid_payment

TOLD = (("fraud.warned", "issfr_1"),)
LIVE, OVER = a_fraud_warning(), a_fraud_warning(actionable=False)


def read(payment: Payment, found: dict[str, Any]) -> Verdict[Payment]:
    verdict = settle(payment, a_look(found, NOON, source=Source.FETCH))
    assert isinstance(verdict, Verdict)
    return verdict


def test_an_actionable_warning_is_recorded_and_told() -> None:
    verdict = read(a_paid_payment(), LIVE)
    assert verdict.after.view()["fraud_warning"] == {
        "id": "issfr_1",
        "fraud_type": "made_with_stolen_card",
        "actionable": True,
        "charge": "ch_1",
    }
    assert verdict.notices == TOLD
    assert verdict.alarms == ("FraudWarnings",)
    assert "issfr_1" in verdict.after.pointer_ids


def test_a_payment_without_a_warning_says_so() -> None:
    assert a_paid_payment().view()["fraud_warning"] is None


def test_it_is_told_only_after_stripe_was_asked_whether_it_still_stands() -> None:
    """Money may be given back because of it."""
    assert settle(a_paid_payment(), a_look(LIVE, NOON)) == FetchFirst("issfr_1")


def test_the_same_warning_is_told_once() -> None:
    warned = read(a_paid_payment(), LIVE).after
    assert settle(warned, a_look(LIVE, NOON + 1)) == Verdict(after=warned)
    assert read(warned, LIVE) == Verdict(after=warned)


def test_one_that_is_over_is_recorded_and_told_no_more() -> None:
    verdict = read(read(a_paid_payment(), LIVE).after, OVER)
    assert verdict.after.view()["fraud_warning"]["actionable"] is False
    assert (verdict.notices, verdict.alarms) == ((), ())


def test_one_that_was_over_before_we_heard_of_it_is_never_told() -> None:
    over = read(a_paid_payment(), OVER)
    assert (over.notices, over.alarms) == ((), ())
    assert over.after.view()["fraud_warning"]["actionable"] is False
    # A refund that failed makes it actionable again; whoever gave the money back knows of it.
    again = read(over.after, LIVE)
    assert again.after.view()["fraud_warning"]["actionable"] is True
    assert again.notices == ()


def test_in_every_order_with_copies_it_ends_as_stripe_holds_it_and_is_told_at_most_once() -> None:
    for order in permutations([LIVE, LIVE, OVER, OVER]):
        for holds_after in range(5):  # from which event on Stripe holds it as over
            payment = a_paid_payment()
            told: tuple[tuple[str, str], ...] = ()
            is_over = False
            for number, found in enumerate(order):
                is_over = is_over or number >= holds_after or found is OVER
                verdict = settle(payment, a_look(found, NOON))
                if isinstance(verdict, FetchFirst):
                    verdict = read(payment, OVER if is_over else LIVE)
                payment, told = verdict.after, told + verdict.notices
            assert payment.view()["fraud_warning"]["actionable"] is False
            assert told in ((), TOLD)


def test_of_several_the_one_that_is_told_is_shown() -> None:
    first = read(a_paid_payment(), LIVE).after
    second = read(first, a_fraud_warning(id="issfr_2", fraud_type="misc"))
    assert second.notices == (("fraud.warned", "issfr_2"),)
    assert second.after.view()["fraud_warning"]["id"] == "issfr_2"
    over = read(second.after, a_fraud_warning(id="issfr_2", fraud_type="misc", actionable=False))
    assert over.after.view()["fraud_warning"]["id"] == "issfr_1"


def test_one_about_a_second_charge_of_the_order_rings_and_is_not_told() -> None:
    """A refund that follows by itself would give back the payment's own money."""
    for source in (Source.PAYLOAD, Source.FETCH):
        for actionable in (True, False):
            found = a_fraud_warning(payment_intent="pi_2", actionable=actionable)
            verdict = settle(a_paid_payment(), a_look(found, NOON, source=source))
            assert verdict == Verdict(
                after=a_paid_payment(),
                outcome=Outcome.SUPERSEDED,
                reason="warning_of_stray",
                alarms=("FraudWarnings",) if actionable else (),
            )


def test_a_warning_moves_nothing_else() -> None:
    paid, warned = a_paid_payment().view(), read(a_paid_payment(), LIVE).after.view()
    assert {name for name in paid if paid[name] != warned[name]} == {"fraud_warning"}
