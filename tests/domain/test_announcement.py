"""What the bus is told, exactly as api.md section 3 has it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.errors import InvalidRequest

from tests.a_change import a_domain_event, a_told_row, an_envelope
from tests.examples import STAGE, a_payment

TEXT = st.text(min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def test_a_detail_is_as_the_interface_says() -> None:
    (one,) = announcements_of(a_told_row(), STAGE)
    assert (one.source, one.type) == ("paidonce.test", "payment.paid")
    assert json.loads(one.detail) == {
        "id": "pay_1.3.payment.paid",
        "version": 3,
        "occurred_at": "2026-09-21T14:13:20.000Z",
        "stripe_event_id": "evt_1",
        "stage": "test",
        "livemode": False,
        "correlation_id": "cor-1",
        "object": a_payment(version=3).view(),
    }


@pytest.mark.parametrize("event_id", ["answer#pay_1_a1", "read#pi_1#1790000000"])
def test_what_no_event_of_stripe_told_names_none(event_id: str) -> None:
    (one,) = announcements_of(a_told_row(event_id=event_id), STAGE)
    assert one.stripe_event_id is None


def test_a_row_tells_all_its_domain_events_in_their_order() -> None:
    row = a_told_row(a_domain_event("refund.settled", id="pay_1.3.a"), a_domain_event())
    assert [one.id for one in announcements_of(row, STAGE)] == ["pay_1.3.a", "pay_1.3.payment.paid"]


@settings(max_examples=40)  # the inner loop stays short
@given(
    id_=TEXT,
    version=st.integers(1, 10**6),
    event=st.none() | TEXT,
    livemode=st.booleans(),
    found=st.dictionaries(TEXT, JSON, max_size=4),
    correlation=st.none() | TEXT,
)
def test_a_consumer_reads_what_was_told(
    *,
    id_: str,
    version: int,
    event: str | None,
    livemode: bool,
    found: dict[str, object],
    correlation: str | None,
) -> None:
    one = Announcement(
        id=id_,
        type="payment.paid",
        version=version,
        occurred_at="2026-09-21T14:13:20.000Z",
        stripe_event_id=event,
        stage="test",
        livemode=livemode,
        object=found,
        correlation_id=correlation,
    )
    assert Announcement.parse(an_envelope(one)) == one


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", "null", '{"detail": 1}', '{"detail": {}, "detail-type": "a"}']
)
def test_what_is_no_domain_event_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        Announcement.parse(text)
