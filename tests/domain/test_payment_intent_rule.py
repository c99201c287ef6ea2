"""What a payment intent's events mean for our payment, example by example."""

from dataclasses import replace

import pytest
from paidonce.domain.aggregate import told
from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Source
from paidonce.rules.payment_intent import settle

from tests.examples import NOON, a_declined_intent, a_look, a_payment, an_intent


def decided(verdict: Verdict[Payment] | FetchFirst) -> Payment:
    assert isinstance(verdict, Verdict)
    return verdict.after


@pytest.mark.parametrize(
    ("intent", "status"),
    [
        (an_intent("requires_payment_method"), "pending"),
        (an_intent("requires_confirmation"), "pending"),
        (a_declined_intent(), "failed"),
        (an_intent("requires_action"), "requires_action"),
        (an_intent("processing"), "processing"),
        (an_intent("requires_capture"), "authorized"),
        (an_intent("succeeded"), "paid"),
        (an_intent("canceled"), "canceled"),
    ],
)
def test_each_status_of_stripe_has_one_of_ours(intent: dict[str, object], status: str) -> None:
    payment = decided(settle(a_payment(), a_look(intent, NOON)))
    assert payment.status == status
    assert payment.payment_intent_id == "pi_1"


def test_a_status_that_is_new_to_us_is_no_guess() -> None:
    with pytest.raises(KeyError):
        settle(a_payment(), a_look(an_intent("teleported"), NOON))


@pytest.mark.parametrize("at", [NOON - 100, NOON, NOON + 100])
def test_a_later_band_wins_whenever_it_was_seen(at: int) -> None:
    payment = a_payment(
        status=PaymentStatus.PROCESSING, payment_intent_id="pi_1", as_of_from=NOON, as_of=NOON
    )
    assert decided(settle(payment, a_look(an_intent("succeeded"), at))).status == "paid"


@pytest.mark.parametrize("status", ["requires_payment_method", "processing", "requires_capture"])
def test_paid_never_goes_back(status: str) -> None:
    paid = decided(settle(a_payment(), a_look(an_intent("succeeded"), NOON)))
    assert decided(settle(paid, a_look(an_intent(status), NOON + 999))) == paid


def test_paid_and_canceled_both_seen_is_an_alarm_and_changes_nothing() -> None:
    paid = decided(settle(a_payment(), a_look(an_intent("succeeded"), NOON)))
    verdict = settle(paid, a_look(an_intent("canceled"), NOON + 1))
    assert isinstance(verdict, Verdict)
    assert verdict.after == paid
    assert verdict.alarms == ("PaidAndCanceled",)


def test_created_and_succeeded_of_one_second_end_as_paid_in_both_orders() -> None:
    looks = [a_look(an_intent(), NOON), a_look(an_intent("succeeded"), NOON)]
    for order in (looks, looks[::-1]):
        payment = a_payment()
        for look in order:
            payment = decided(settle(payment, look))
        assert payment.status == "paid"


def test_two_different_open_states_of_one_second_are_asked_at_stripe() -> None:
    payment = decided(settle(a_payment(), a_look(an_intent("processing"), NOON)))
    assert settle(payment, a_look(an_intent("requires_action"), NOON)) == FetchFirst("pi_1")
    assert settle(payment, a_look(an_intent("requires_action"), NOON - 5)) == FetchFirst("pi_1")
    later = decided(settle(payment, a_look(an_intent("requires_action"), NOON + 1)))
    assert later.status == "requires_action"


def test_what_a_fetch_contains_needs_no_second_fetch() -> None:
    fetched = decided(
        settle(a_payment(), a_look(an_intent("processing"), NOON, source=Source.FETCH))
    )
    assert (fetched.as_of_from, fetched.as_of) == (NOON - 2, NOON)
    before = a_look(an_intent("requires_action"), NOON - 3)
    assert decided(settle(fetched, before)) == fetched
    for between in (NOON - 2, NOON - 1, NOON):
        look = a_look(an_intent("requires_action"), between)
        assert settle(fetched, look) == FetchFirst("pi_1")


def test_a_newer_look_at_the_same_state_raises_the_bounds_only() -> None:
    payment = decided(settle(a_payment(), a_look(an_intent("processing"), NOON)))
    again = decided(settle(payment, a_look(an_intent("processing"), NOON + 7)))
    assert again.as_of == NOON + 7
    assert again.looks_like(payment)


def test_a_decline_is_told_in_our_words() -> None:
    payment = decided(settle(a_payment(), a_look(a_declined_intent(), NOON)))
    assert payment.last_error is not None
    assert payment.last_error.message == (
        "Your card has insufficient funds. Please try a different payment method."
    )
    assert payment.last_error.decline_code == "insufficient_funds"


@pytest.mark.parametrize("code", ["fraudulent", "lost_card", "stolen_card", "merchant_blacklist"])
def test_a_thief_learns_nothing(code: str) -> None:
    payment = decided(settle(a_payment(), a_look(a_declined_intent(code), NOON)))
    assert payment.last_error is not None
    assert payment.last_error.message == (
        "Your card was declined. Please try a different payment method."
    )


def test_an_unknown_intent_is_adopted_only_by_its_attempt() -> None:
    other = an_intent("succeeded", metadata={"paidonce_attempt": "2"})
    verdict = settle(a_payment(), a_look(other, NOON))
    assert isinstance(verdict, Verdict)
    assert verdict.outcome is Outcome.SUPERSEDED
    assert verdict.after == a_payment()
    assert verdict.alarms == ("PaidTwice",)


def test_a_stray_intent_that_can_still_be_paid_is_told() -> None:
    known = a_payment(payment_intent_id="pi_1")
    verdict = settle(known, a_look(an_intent("requires_action", id="pi_2"), NOON))
    assert isinstance(verdict, Verdict)
    assert verdict.outcome is Outcome.SUPERSEDED
    events = told(known, known, notices=verdict.notices, at="now")
    assert [event.id for event in events] == ["pay_1.1.payment.stray_intent.pi_2"]


@pytest.mark.parametrize("wrong", [{"amount": 999}, {"currency": "eur"}])
def test_another_amount_is_never_paid(wrong: dict[str, object]) -> None:
    payment = a_payment(payment_intent_id="pi_1")
    verdict = settle(payment, a_look(an_intent("succeeded", **wrong), NOON))
    assert isinstance(verdict, Verdict)
    assert verdict.after == payment
    assert verdict.reason == "amount_mismatch"
    assert verdict.alarms == ("AmountMismatch",)


def test_a_part_captured_is_paid_with_what_was_received() -> None:
    held = a_payment(payment_intent_id="pi_1", status=PaymentStatus.AUTHORIZED)
    paid = decided(settle(held, a_look(an_intent("succeeded", amount_received=400), NOON)))
    assert (paid.status, paid.amount_captured_minor) == (PaymentStatus.PAID, 400)


def test_an_answer_to_us_moves_to_every_state_but_paid() -> None:
    payment = a_payment(payment_intent_id="pi_1")
    answer = a_look(an_intent("succeeded"), NOON, source=Source.ANSWER)
    assert decided(settle(payment, answer)) == payment
    answer = a_look(an_intent("requires_capture"), NOON, source=Source.ANSWER)
    assert decided(settle(payment, answer)).status == "authorized"


def test_an_answer_never_undoes_what_a_webhook_said_in_its_second() -> None:
    payment = decided(settle(a_payment(), a_look(an_intent("processing"), NOON)))
    answer = a_look(an_intent(), NOON + 1, source=Source.ANSWER)
    assert decided(settle(payment, answer)) == payment


def test_an_expanded_charge_is_read_like_an_id() -> None:
    intent = an_intent("succeeded", latest_charge={"id": "ch_9"}, customer={"id": "cus_9"})
    payment = decided(settle(a_payment(), a_look(intent, NOON)))
    assert (payment.charge_id, payment.customer_id) == ("ch_9", "cus_9")
    assert payment.pointer_ids == {"pi_1", "ch_9"}


def test_domain_events_have_ids_that_stay() -> None:
    before = a_payment()
    after = replace(
        decided(settle(before, a_look(an_intent("succeeded"), NOON))).written(at="now"), version=4
    )
    (event,) = told(before, after, notices=(), at="then")
    assert (event.id, event.type, event.version) == ("pay_1.4.payment.paid", "payment.paid", 4)
    assert event.object["status"] == "paid"


def test_a_second_decline_is_told_when_its_reason_is_another() -> None:
    first = decided(settle(a_payment(), a_look(a_declined_intent(), NOON)))
    other = decided(settle(first, a_look(a_declined_intent("expired_card"), NOON + 9)))
    same = decided(settle(first, a_look(a_declined_intent(), NOON + 9)))
    assert [e.type for e in told(first, other, notices=(), at="t")] == ["payment.failed"]
    assert told(first, same, notices=(), at="t") == ()
