"""What a subscription's events mean for its row, one by one."""

from dataclasses import replace
from typing import Any

import pytest
from paidonce.domain.invoice import Invoice
from paidonce.domain.payment import LastError
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Source
from paidonce.domain.subscription import Subscription, begun
from paidonce.rules.subscription import settle

from tests.billing_examples import (
    AT,
    DAY,
    a_failed_invoice,
    a_row,
    a_subscription,
    an_invoice,
    an_item,
    with_payments,
)
from tests.examples import NOON, a_look

LATER = NOON + 60
RENEWED = {"latest_invoice": "in_2"}
# The invoice of a renewal whose card was declined, looked at.
DECLINED = Invoice(
    id="in_2",
    status="open",
    created=NOON,
    owed_since=NOON,
    error=LastError(code="card_declined", decline_code="do_not_honor", message="Ask your bank."),
)


def nothing_known() -> Subscription:
    return begun(a_subscription(), AT)


def after(row: Subscription, found: dict[str, Any], at: int = LATER, **how: Any) -> Subscription:
    verdict = settle(row, a_look(found, at, **how))
    assert isinstance(verdict, Verdict)
    return verdict.after


def told(before: Subscription, now: Subscription) -> tuple[str, ...]:
    return now.written(at=AT).news(before)


# --- order ----------------------------------------------------------------------------------------


def test_a_row_begins_with_a_look_that_shows_its_first_invoice() -> None:
    """`active` says nothing about whether the first invoice is paid."""
    row = nothing_known()
    assert (row.version, row.user_id, row.customer_id) == (0, "user-1", "cus_1")
    assert settle(row, a_look(a_subscription(), NOON)) == FetchFirst("sub_1")
    whole = a_subscription(latest_invoice=an_invoice("open"))
    made = after(row, whole, NOON, source=Source.FETCH)
    assert made.owes_first
    assert (made.as_of_from, made.as_of) == (NOON - 2, NOON)


def test_one_that_is_over_needs_no_look() -> None:
    assert after(nothing_known(), a_subscription("canceled")).status == "canceled"


def test_a_newer_payload_is_taken_and_an_older_one_never() -> None:
    paused = after(a_row(), a_subscription("paused"))
    assert (paused.status, paused.as_of_from, paused.as_of) == ("paused", LATER, LATER)
    assert settle(paused, a_look(a_subscription(), LATER)) == FetchFirst("sub_1")
    assert settle(paused, a_look(a_subscription(), NOON)) == FetchFirst("sub_1")
    read = after(paused, a_subscription("paused"), LATER + 9, source=Source.FETCH)
    assert settle(read, a_look(a_subscription(), LATER + 6)) == Verdict(after=read)
    assert settle(read, a_look(a_subscription(), LATER + 7)) == FetchFirst("sub_1")


def test_what_is_said_twice_needs_no_look() -> None:
    assert settle(a_row(), a_look(a_subscription(), NOON)) == Verdict(after=a_row())
    again = after(a_row(), a_subscription())
    assert again.looks_like(a_row())
    assert again.as_of == LATER


def test_an_answer_that_may_be_old_is_not_believed() -> None:
    changed = a_subscription(cancel_at_period_end=True)
    in_doubt = settle(a_row(), a_look(changed, NOON + 1, source=Source.ANSWER))
    assert in_doubt == FetchFirst("sub_1")
    assert after(a_row(), changed, source=Source.ANSWER).cancel_at_period_end


@pytest.mark.parametrize("ended", ["canceled", "incomplete_expired"])
@pytest.mark.parametrize("at", [NOON - 60, NOON, LATER])
def test_the_end_is_believed_whenever_it_was_and_stays(ended: str, at: int) -> None:
    over = after(a_row(), a_subscription(ended), at)
    assert over.is_ended
    for source in Source:
        verdict = settle(over, a_look(a_subscription(), LATER + 60, source=source))
        assert verdict == Verdict(after=over)
    # Its last invoice may still come.
    assert after(over, a_subscription(ended, **RENEWED), LATER + 60).latest_invoice == Invoice(
        id="in_2"
    )


def test_a_list_that_stripe_cut_short_is_no_list() -> None:
    cut = {"object": "list", "data": [an_item()], "has_more": True}
    for items in (cut, None, {}):
        assert settle(a_row(), a_look(a_subscription(items=items), LATER)) == FetchFirst("sub_1")


def test_since_when_it_is_late_only_its_invoice_tells() -> None:
    late = a_subscription("past_due", **RENEWED)
    assert settle(a_row(), a_look(late, LATER)) == FetchFirst("sub_1")
    known = a_row("past_due").with_invoice(replace(DECLINED, owed_since=None))
    assert settle(known, a_look(late, LATER)) == FetchFirst("sub_1")
    assert after(a_row().with_invoice(DECLINED), late).owed_since == NOON


@pytest.mark.parametrize("status", ["past_due", "unpaid"])
def test_why_it_becomes_late_only_a_look_at_its_invoice_tells(status: str) -> None:
    """With the step itself, or whoever is told of the one would not be told of the other."""
    late = a_subscription(status, **RENEWED)
    unread = a_row().with_invoice(replace(DECLINED, error=None))
    assert settle(unread, a_look(late, LATER)) == FetchFirst("sub_1")
    assert settle(unread, a_look(late, LATER, source=Source.ANSWER)) == FetchFirst("sub_1")
    whole = late | {"latest_invoice": with_payments(a_failed_invoice(), "do_not_honor")}
    looked = after(unread, whole, source=Source.FETCH)
    assert told(unread, looked) == ("subscription.past_due",)
    assert looked.view()["last_error"]["decline_code"] == "do_not_honor"
    # An intent without an error gives no code, and is not looked at for ever.
    silent = late | {"latest_invoice": with_payments(a_failed_invoice(), None)}
    assert after(unread, silent, source=Source.FETCH).view()["last_error"] is None
    # What is late already, or known, needs no look.
    known = after(a_row().with_invoice(DECLINED), late)
    assert after(known, late | {"cancel_at_period_end": True}, LATER + 1).cancel_at_period_end


def test_the_next_period_forgets_why_the_last_one_failed() -> None:
    known = after(a_row().with_invoice(DECLINED), a_subscription("past_due", **RENEWED))
    assert known.last_error == DECLINED.error
    assert after(known, a_subscription(latest_invoice="in_3"), LATER + 1).last_error is None


def test_a_period_ends_with_the_first_of_its_items() -> None:
    rows = [an_item("price_a", current_period_end=9), an_item("price_b", current_period_end=8)]
    found = a_subscription(items={"data": rows, "has_more": False})
    assert after(a_row(), found).current_period_end == 8


# --- what the bus hears ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "found", "expected"),
    [
        (a_row(""), a_subscription("trialing"), "subscription.started"),
        (a_row("incomplete"), a_subscription(), "subscription.started"),
        (a_row("incomplete"), a_subscription("incomplete_expired"), "subscription.ended"),
        (a_row("trialing"), a_subscription(), "subscription.changed"),
        (a_row(), a_subscription("paused"), "subscription.changed"),
        (a_row("paused"), a_subscription(), "subscription.changed"),
        (a_row("past_due"), a_subscription(), "subscription.changed"),
        (a_row("past_due"), a_subscription("unpaid"), "subscription.changed"),
        (
            a_row().with_invoice(DECLINED),
            a_subscription("unpaid", **RENEWED),
            "subscription.past_due",
        ),
        (a_row(), a_subscription("canceled"), "subscription.ended"),
        (a_row("past_due"), a_subscription("canceled"), "subscription.ended"),
        (a_row(), a_subscription(cancel_at_period_end=True), "subscription.changed"),
        (a_row(), a_subscription(trial_end=NOON), "subscription.changed"),
        (a_row(), a_subscription(**RENEWED), "subscription.changed"),
        (a_row(), a_subscription(), None),
        (a_row(), a_subscription(metadata=None), None),
    ],
)
def test_each_step_is_told_once(
    before: Subscription, found: dict[str, Any], expected: str | None
) -> None:
    now = after(before, found)
    assert told(before, now) == ((expected,) if expected else ())
    assert told(now, after(now, found, LATER + 1)) == ()


def test_what_becomes_late_is_told_once() -> None:
    before = a_row().with_invoice(DECLINED)
    late = after(before, a_subscription("past_due", **RENEWED))
    assert told(before, late) == ("subscription.past_due",)


def test_an_invoice_that_is_older_than_stripe_s_memory_is_forgotten() -> None:
    row = a_row()
    for number in range(2, 8):
        row = row.with_invoice(
            Invoice(id=f"in_{number}", status="paid", created=NOON + number * 30 * DAY)
        )
    assert [one.id for one in row.invoices] == ["in_7", "in_6"]
    # And is not learned again: it was told of before.
    forgotten = Invoice(id="in_3", status="paid", is_renewal=True, created=NOON + 90 * DAY)
    assert row.with_invoice(forgotten) == row
