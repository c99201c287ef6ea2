"""Whatever the order, the copies and the seconds: a payment ends as Stripe holds its intent."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.payment import Payment, status_of_intent
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Sighting, Source
from paidonce.rules.payment_intent import settle

from tests.examples import NOON, a_declined_intent, a_look, a_payment, an_intent

OPEN = [
    an_intent(),
    an_intent("requires_confirmation"),
    an_intent("requires_action"),
    an_intent("processing"),
    a_declined_intent(),
    a_declined_intent("expired_card"),
]
LAST = [*OPEN, an_intent("requires_capture"), an_intent("succeeded"), an_intent("canceled")]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, dict[str, Any]]]:
    """An intent's life: (second of the change, the intent from then on), at most one end."""
    states = draw(st.lists(st.sampled_from(OPEN), min_size=1, max_size=5))
    states.append(draw(st.sampled_from(LAST)))
    gaps = draw(st.lists(st.sampled_from([0, 0, 1, 2, 9]), min_size=6, max_size=6))
    return [(NOON + sum(gaps[: n + 1]), state) for n, state in enumerate(states)]


def take(payment: Payment, look: Sighting, fetched: Sighting) -> Payment:
    """What the worker does: the payload, and a fetch where that cannot decide."""
    verdict = settle(payment, look)
    if isinstance(verdict, FetchFirst):
        verdict = settle(payment, fetched)
    assert isinstance(verdict, Verdict)
    return verdict.after


@settings(max_examples=120, deadline=None)
@given(data=st.data(), history=histories())
def test_every_order_ends_as_stripe_holds_it(
    data: st.DataObject, history: list[tuple[int, dict[str, Any]]]
) -> None:
    """Payloads in any order with copies; a fetch shows the state of some moment after the event."""
    deliveries = data.draw(
        st.permutations(
            list(range(len(history))) + data.draw(st.lists(st.integers(0, 5), max_size=3))
        )
    )
    known = 0  # the newest change whose event was delivered: a fetch shows at least that
    payment = a_payment()
    for index in (i for i in deliveries if i < len(history)):
        known = max(known, index)
        shown = data.draw(st.integers(known, len(history) - 1))
        # Stripe looks before the next change, and may write its Date a second after it.
        until = history[min(shown + 1, len(history) - 1)][0] + 1
        date = data.draw(st.integers(history[shown][0], until))
        at, state = history[index]
        fetched = Sighting.of_call(
            history[shown][1], date=date, duration_seconds=0.3, source=Source.FETCH
        )
        payment = take(payment, a_look(state, at), fetched)
        known = max(known, shown) if payment.as_of == fetched.as_of else known
    assert payment.status is status_of_intent(history[-1][1])
