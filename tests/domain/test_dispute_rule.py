"""What disputes' events mean for the payment whose money is disputed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.dispute import DisputeStatus
from paidonce.domain.moment import iso
from paidonce.domain.payment import Payment
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Sighting, Source
from paidonce.rules.dispute import settle

from tests.examples import NOON, a_dispute, a_look
from tests.use_cases.a_refund_desk import a_paid_payment

DAY = 86_400


def read(payment: Payment, found: dict[str, Any]) -> Verdict[Payment]:
    """The verdict once the dispute was read at Stripe."""
    verdict = settle(payment, a_look(found, NOON, source=Source.FETCH))
    assert isinstance(verdict, Verdict)
    return verdict


def of(status: str) -> Payment:
    """A payment with one dispute in that status."""
    return read(a_paid_payment(), a_dispute(status)).after


def test_a_dispute_is_shown_with_the_day_until_which_it_can_be_answered() -> None:
    assert of("needs_response").view()["disputes"] == [
        {
            "id": "du_1",
            "status": "needs_response",
            "reason": "fraudulent",
            "amount_minor": 1000,
            "due_by": iso(NOON + 9 * DAY),
        }
    ]


@pytest.mark.parametrize("status", list(DisputeStatus))
def test_what_an_event_says_first_is_read_at_stripe(status: str) -> None:
    assert settle(a_paid_payment(), a_look(a_dispute(status), NOON)) == FetchFirst("du_1")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("warning_needs_response", ["dispute.opened"]),
        ("needs_response", ["dispute.opened"]),
        ("prevented", ["dispute.opened"]),
        ("won", ["dispute.opened", "dispute.won"]),
        ("lost", ["dispute.opened", "dispute.lost"]),
    ],
)
def test_the_first_look_opens_it_and_tells_an_end_that_was_before(
    status: str, told: list[str]
) -> None:
    verdict = read(a_paid_payment(), a_dispute(status))
    assert verdict.notices == tuple((kind, "du_1") for kind in told)
    assert verdict.alarms == ("DisputesOpened",)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("warning_needs_response", "warning_under_review", "dispute.changed"),
        ("warning_under_review", "warning_closed", "dispute.changed"),
        ("warning_needs_response", "needs_response", "dispute.changed"),
        ("warning_closed", "needs_response", "dispute.changed"),
        ("needs_response", "under_review", "dispute.changed"),
        ("under_review", "needs_response", "dispute.changed"),
        ("needs_response", "prevented", "dispute.changed"),
        ("under_review", "won", "dispute.won"),
        ("under_review", "lost", "dispute.lost"),
        ("lost", "won", "dispute.won"),
    ],
)
def test_a_step_is_told_once_and_rings_no_second_alarm(before: str, after: str, told: str) -> None:
    verdict = read(of(before), a_dispute(after))
    assert [d.status for d in verdict.after.disputes] == [after]
    assert verdict.notices == ((told, "du_1"),)
    assert verdict.alarms == ()
    again = read(verdict.after, a_dispute(after))
    assert (again.after, again.notices) == (verdict.after, ())


@pytest.mark.parametrize("closed", ["won", "lost", "prevented"])
@pytest.mark.parametrize("source", list(Source))
def test_a_closed_dispute_never_opens_again_whoever_says_so(closed: str, source: Source) -> None:
    payment = of(closed)
    for status in ("needs_response", "under_review", "warning_needs_response", "warning_closed"):
        look = a_look(a_dispute(status), NOON + DAY, source=source)
        assert settle(payment, look) == Verdict(after=payment)


def test_an_event_that_says_what_is_known_needs_no_call() -> None:
    """`created` and `funds_withdrawn` come together, and say the same of what we keep."""
    payment = of("needs_response")
    assert settle(payment, a_look(a_dispute(), NOON + DAY)) == Verdict(after=payment)


def test_another_day_to_answer_is_a_change() -> None:
    later = a_dispute(evidence_details={"due_by": NOON + 20 * DAY})
    verdict = read(of("needs_response"), later)
    assert verdict.notices == (("dispute.changed", "du_1"),)


def test_a_payment_can_have_several() -> None:
    payment = read(of("won"), a_dispute("needs_response", id="du_2", amount=400)).after
    assert [(d["id"], d["status"], d["amount_minor"]) for d in payment.view()["disputes"]] == [
        ("du_1", "won", 1000),
        ("du_2", "needs_response", 400),
    ]
    assert {"du_1", "du_2"} <= payment.pointer_ids


def test_a_dispute_moves_nothing_else() -> None:
    paid, disputed = a_paid_payment().view(), of("lost").view()
    assert {name for name in paid if paid[name] != disputed[name]} == {"disputes"}


def test_a_status_that_is_new_to_us_is_no_guess() -> None:
    with pytest.raises(ValueError, match="teleported"):
        settle(a_paid_payment(), a_look(a_dispute("teleported"), NOON))


# Inquiry, chargeback, end: every way that leads from one to the next.
_PATHS = st.tuples(
    st.lists(st.sampled_from(["warning_needs_response", "warning_under_review"]), max_size=2),
    st.lists(st.sampled_from(["needs_response", "under_review"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["won", "lost", "prevented"]), max_size=2),
).map(lambda parts: [a_dispute(status) for part in parts for status in part])


@settings(max_examples=120, deadline=None)
@given(data=st.data(), path=_PATHS)
def test_every_order_with_copies_ends_as_stripe_holds_it(
    data: st.DataObject, path: list[dict[str, Any]]
) -> None:
    """A fetch shows what Stripe holds at its moment: the event's state, or any later one."""
    copies = data.draw(st.lists(st.integers(0, len(path) - 1), max_size=3))
    order = data.draw(st.permutations([*range(len(path)), *copies]))
    payment, told, shown = a_paid_payment(), [], 0
    for index in order:
        shown = data.draw(st.integers(max(shown, index), len(path) - 1))
        verdict = settle(payment, a_look(path[index], NOON))
        if isinstance(verdict, FetchFirst):
            fetched = Sighting.of_call(path[shown], date=NOON + shown, duration_seconds=0.2)
            verdict = settle(payment, fetched)
        assert isinstance(verdict, Verdict)
        payment = verdict.after
        told += [kind for kind, _ in verdict.notices]
    assert payment.view()["disputes"][0]["status"] == path[-1]["status"]
    assert told.count("dispute.opened") == 1
    ends = {"won": "dispute.won", "lost": "dispute.lost"}
    if end := ends.get(path[-1]["status"]):
        assert told[-1] == end
