"""What the events of Stripe's own page mean for the payment that is made on it."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import SESSIONS_PATH, Payment, PaymentStatus
from paidonce.domain.payment_calls import CANCEL, new_call
from paidonce.domain.rulebook import FetchFirst, Verdict, rule_for
from paidonce.domain.sighting import Source
from paidonce.domain.stripe_call import CallState
from paidonce.rules.checkout_session import settle

from tests.examples import NOON, a_declined_intent, a_look, a_payment, a_session, an_intent


def a_page_payment(**changes: Any) -> Payment:
    """A payment that is made on Stripe's page."""
    creation = replace(a_payment().creation, path=SESSIONS_PATH)
    return a_payment(**({"creation": creation, "checkout_session_id": "cs_1"} | changes))


def decide(
    payment: Payment, found: dict[str, Any], source: Source = Source.PAYLOAD
) -> Verdict[Payment] | FetchFirst:
    return settle(payment, a_look(found, NOON, source=source))


def after(payment: Payment, found: dict[str, Any], source: Source = Source.PAYLOAD) -> Payment:
    verdict = decide(payment, found, source)
    assert isinstance(verdict, Verdict)
    return verdict.after


@pytest.mark.parametrize("payment_status", ["paid", "unpaid"])
def test_a_completed_page_names_the_intent_and_never_pays(payment_status: str) -> None:
    """Only the intent says that it was paid: a bank may still refuse, an amount may differ."""
    done = after(a_page_payment(), a_session(payment_status=payment_status))
    assert (done.payment_intent_id, done.status) == ("pi_1", PaymentStatus.PENDING)
    assert "pi_1" in done.pointer_ids
    assert after(done, an_intent("succeeded")).status is not PaymentStatus.CANCELED


def test_a_page_that_we_had_no_answer_for_is_known_by_its_attempt() -> None:
    found = after(a_page_payment(checkout_session_id=None), a_session())
    assert (found.checkout_session_id, found.payment_intent_id) == ("cs_1", "pi_1")


@pytest.mark.parametrize("band", [PaymentStatus.PAID, PaymentStatus.CANCELED])
@pytest.mark.parametrize("status", ["complete", "expired"])
def test_what_is_over_stays_as_it_is(band: PaymentStatus, status: str) -> None:
    payment = a_page_payment(status=band, payment_intent_id="pi_1")
    assert decide(payment, a_session(status)) == Verdict(after=payment)


@pytest.mark.parametrize(
    ("payment", "session"),
    [
        (a_page_payment(), a_session(id="cs_2")),
        (a_page_payment(payment_intent_id="pi_1"), a_session(payment_intent="pi_2")),
        (
            a_page_payment(checkout_session_id=None),
            a_session(metadata={"paidonce_stage": "test", "paidonce_attempt": "2"}),
        ),
        # The payment has an intent of its own, and never had a page.
        (a_payment(), a_session()),
    ],
)
def test_another_page_changes_nothing(payment: Payment, session: dict[str, Any]) -> None:
    for status in ("complete", "expired"):
        verdict = decide(payment, session | {"status": status})
        expected = Verdict(after=payment, outcome=Outcome.SUPERSEDED, reason="session_of_stray")
        assert verdict == expected


def test_an_expired_page_that_nobody_paid_on_ends_the_payment() -> None:
    """Also the wish to cancel it, and whoever is about to make the page finds another attempt."""
    payment = a_page_payment()
    asked = payment.with_call(new_call(payment, CANCEL, {}))
    ended = after(asked, a_session("expired", payment_intent=None))
    assert (ended.status, ended.creation.attempt) == (PaymentStatus.CANCELED, 2)
    assert [call.state for call in ended.calls] == [CallState.DONE]
    again = decide(ended, a_session("expired", payment_intent=None))
    assert again == Verdict(after=ended)


@pytest.mark.parametrize("in_session", [None, "pi_1"])
def test_an_expired_page_that_somebody_tried_to_pay_on_is_judged_by_its_intent(
    in_session: str | None,
) -> None:
    payment = a_page_payment(payment_intent_id="pi_1")
    expired = a_session("expired", payment_intent=in_session)
    assert decide(payment, expired) == FetchFirst("pi_1", resource="payment_intent")


@pytest.mark.parametrize(
    ("intent", "status"),
    [
        (an_intent("succeeded"), "paid"),
        (an_intent("canceled"), "canceled"),
        (an_intent("processing"), "processing"),
        (an_intent("requires_action"), "requires_action"),
        (an_intent("requires_capture"), "authorized"),
        # Confirmed only on the page, which is over.
        (an_intent("requires_payment_method"), "canceled"),
        (a_declined_intent(), "canceled"),
    ],
)
def test_only_an_intent_that_nobody_can_pay_any_more_ends_with_its_page(
    intent: dict[str, Any], status: str
) -> None:
    for payment in (a_page_payment(), a_page_payment(payment_intent_id="pi_1")):
        ended = after(payment, intent, Source.FETCH)
        assert (ended.status, ended.payment_intent_id) == (status, "pi_1")


def test_the_intent_of_an_expired_page_can_be_another_s() -> None:
    other = an_intent("succeeded", metadata={"paidonce_attempt": "2"})
    verdict = decide(a_page_payment(), other, Source.FETCH)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason) == (Outcome.SUPERSEDED, "session_of_stray")


def test_a_page_on_which_nothing_had_to_be_paid_is_an_alarm() -> None:
    free = a_session(payment_intent=None, payment_status="no_payment_required", amount_total=0)
    verdict = decide(a_page_payment(), free)
    assert isinstance(verdict, Verdict)
    assert verdict.after.status is PaymentStatus.PENDING
    assert (verdict.reason, verdict.alarms) == ("amount_mismatch", ("AmountMismatch",))


@pytest.mark.parametrize("mode", ["subscription", "setup"])
def test_pages_that_take_no_payment_concern_no_payment(mode: str) -> None:
    rule = rule_for("checkout.session.completed")
    assert rule is not None
    assert rule.only is not None
    assert rule.only(a_session(mode=mode)) is False
    assert rule.only(a_session()) is True
