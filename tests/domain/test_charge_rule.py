"""What charges' events mean: they make us look at their intent, and never move more than that."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce import rules
from paidonce.domain import rulebook
from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import Payment, PaymentStatus, status_of_intent
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Sighting, Source
from paidonce.rules import payment_intent

from tests.domain.test_payment_order import histories
from tests.examples import NOON, a_charge, a_declined_intent, a_look, a_payment, an_intent
from tests.use_cases.a_refund_desk import a_paid_payment

rulebook.load(rules)
ASKED = FetchFirst("pi_1", resource="payment_intent")
TYPES = ["charge.captured", "charge.expired", "charge.failed", "charge.updated"]
FAILED = a_charge("failed", captured=False)
HELD = a_charge(captured=False)
CAPTURED = a_charge()


def decide(
    event_type: str,
    payment: Payment,
    found: dict[str, Any],
    source: Source = Source.PAYLOAD,
    *,
    at: int = NOON,
) -> Verdict[Payment] | FetchFirst:
    rule = rulebook.rule_for(event_type)
    assert rule is not None
    verdict: Verdict[Payment] | FetchFirst = rule.decide(payment, a_look(found, at, source=source))
    return verdict


def known(status: PaymentStatus, **changes: Any) -> Payment:
    return a_payment(status=status, payment_intent_id="pi_1", charge_id="ch_1", **changes)


@pytest.mark.parametrize(
    ("event_type", "payment", "charge"),
    [
        ("charge.captured", a_payment(), CAPTURED),
        ("charge.captured", known(PaymentStatus.AUTHORIZED), CAPTURED),
        ("charge.expired", known(PaymentStatus.AUTHORIZED), HELD),
        ("charge.expired", known(PaymentStatus.PENDING), HELD),
        ("charge.failed", a_payment(), FAILED),
        ("charge.failed", known(PaymentStatus.PROCESSING), FAILED),
        ("charge.failed", known(PaymentStatus.FAILED), a_charge("failed", id="ch_2")),
        ("charge.updated", known(PaymentStatus.AUTHORIZED), CAPTURED),
        ("charge.updated", known(PaymentStatus.PENDING), HELD),
        ("charge.updated", known(PaymentStatus.PENDING), a_charge("pending")),
    ],
)
def test_news_of_a_charge_are_read_from_its_intent(
    event_type: str, payment: Payment, charge: dict[str, Any]
) -> None:
    assert decide(event_type, payment, charge) == ASKED


@pytest.mark.parametrize(
    ("event_type", "payment", "charge"),
    [
        *((event_type, a_paid_payment(), CAPTURED) for event_type in TYPES),
        *((event_type, known(PaymentStatus.CANCELED), HELD) for event_type in TYPES),
        ("charge.failed", known(PaymentStatus.FAILED), FAILED),
        ("charge.failed", known(PaymentStatus.AUTHORIZED), FAILED),
        ("charge.updated", known(PaymentStatus.AUTHORIZED), HELD),
        ("charge.updated", known(PaymentStatus.PROCESSING), a_charge("pending")),
        ("charge.updated", a_payment(), a_charge(payment_intent=None)),
    ],
)
def test_what_the_payment_shows_anyway_costs_no_call(
    event_type: str, payment: Payment, charge: dict[str, Any]
) -> None:
    assert decide(event_type, payment, charge) == Verdict(after=payment)


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize(
    ("intent", "status"),
    [
        (an_intent("succeeded"), "paid"),
        (an_intent("canceled"), "canceled"),
        (an_intent("requires_capture"), "authorized"),
        (a_declined_intent(), "failed"),
    ],
)
def test_the_intent_decides_once_it_was_read(
    event_type: str, intent: dict[str, Any], status: str
) -> None:
    verdict = decide(event_type, a_payment(), intent, Source.FETCH)
    assert isinstance(verdict, Verdict)
    assert verdict.after.status == status
    assert verdict.after.payment_intent_id == "pi_1"


def test_an_authorization_that_expired_cancels_the_payment() -> None:
    held = known(PaymentStatus.AUTHORIZED)
    verdict = decide("charge.expired", held, an_intent("canceled"), Source.FETCH)
    assert isinstance(verdict, Verdict)
    assert verdict.after.status is PaymentStatus.CANCELED


@pytest.mark.parametrize("event_type", TYPES)
def test_a_charge_of_another_intent_never_touches_the_payment(event_type: str) -> None:
    """A second intent of the order copies our marks onto its charges."""
    stray = a_charge(id="ch_2", payment_intent="pi_2")
    superseded = Outcome.SUPERSEDED
    for payment in (known(PaymentStatus.PENDING), a_paid_payment()):
        verdict = decide(event_type, payment, stray)
        assert verdict == Verdict(after=payment, outcome=superseded, reason="charge_of_stray")


@pytest.mark.parametrize("status", ["succeeded", "requires_action", "canceled"])
def test_where_no_intent_is_known_the_attempt_decides(status: str) -> None:
    """The intent's own events tell of a stray and ring the alarm; a charge does neither."""
    other = an_intent(status, metadata={"paidonce_attempt": "2"})
    verdict = decide("charge.captured", a_payment(), other, Source.FETCH)
    assert verdict == Verdict(
        after=a_payment(), outcome=Outcome.SUPERSEDED, reason="charge_of_stray"
    )


def charge_event(intent: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What Stripe may tell of the charge of an intent that has come to this state."""
    if intent["last_payment_error"]:
        return "charge.failed", FAILED
    return {
        "succeeded": ("charge.captured", CAPTURED),
        "canceled": ("charge.expired", HELD),
        "requires_capture": ("charge.updated", HELD),
        "processing": ("charge.updated", a_charge("pending")),
    }.get(intent["status"], ("charge.updated", FAILED))


@settings(max_examples=120, deadline=None)
@given(data=st.data(), history=histories())
def test_charges_never_contradict_their_intent_whatever_the_order(
    data: st.DataObject, history: list[tuple[int, dict[str, Any]]]
) -> None:
    """Each state is told by the intent and by its charge; the end is the intent's."""
    events = [(index, is_charge) for index in range(len(history)) for is_charge in (False, True)]
    copies = data.draw(st.lists(st.sampled_from(events), max_size=3))
    payment, shown = a_payment(), 0
    for index, is_charge in data.draw(st.permutations([*events, *copies])):
        at, state = history[index]
        shown = data.draw(st.integers(max(shown, index), len(history) - 1))
        fetched = Sighting.of_call(history[shown][1], date=history[shown][0], duration_seconds=0.3)
        event_type, found = charge_event(state) if is_charge else ("", state)
        verdict = (
            decide(event_type, payment, found, at=at)
            if is_charge
            else payment_intent.settle(payment, a_look(found, at))
        )
        if isinstance(verdict, FetchFirst):
            assert verdict.object_id == "pi_1"
            verdict = payment_intent.settle(payment, fetched)
        assert isinstance(verdict, Verdict)
        payment = verdict.after
    assert payment.status is status_of_intent(history[-1][1])
