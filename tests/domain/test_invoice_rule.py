"""What an invoice's events mean for its subscription: the same in any order."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paidonce.domain.invoice import Invoice, invoice_of, joined, remembered, subscription_id_of
from paidonce.domain.next_step import NextStep
from paidonce.domain.rulebook import FetchFirst, Verdict
from paidonce.domain.sighting import Source
from paidonce.domain.subscription import Subscription
from paidonce.rules.invoice import begun, settle

from tests.billing_examples import (
    AT,
    DAY,
    MARKS,
    a_failed_invoice,
    a_row,
    a_subscription,
    an_invoice,
    with_payments,
)
from tests.examples import NOON, a_look

STATUSES = ("draft", "open", "uncollectible", "paid", "void")
# Lives of an invoice (https://docs.stripe.com/invoicing/overview): where each ends.
LIVES = [
    ("draft", "open", "paid"),
    ("draft", "paid"),
    ("draft", "open", "void"),
    ("draft", "open", "uncollectible"),
    ("draft", "open", "uncollectible", "paid"),
    ("draft", "open", "uncollectible", "void"),
]


def after(row: Subscription, found: dict[str, Any], **how: Any) -> Subscription:
    verdict = settle(row, a_look(found, NOON, **how))
    assert isinstance(verdict, Verdict)
    return verdict.after


@pytest.mark.parametrize("life", LIVES, ids=" ".join)
def test_it_moves_one_way_in_whatever_order(life: tuple[str, ...]) -> None:
    for order in permutations(life):
        row = a_row(latest_invoice=Invoice(id="in_2"))
        for status in order:
            row = after(row, an_invoice(status, 2))
        assert row.latest_invoice is not None
        assert row.latest_invoice.status == life[-1]


def test_which_is_the_latest_only_the_subscription_says() -> None:
    row = after(a_row(), an_invoice("open", 2))
    assert row.view()["latest_invoice"] == {"id": "in_1", "status": "paid"}
    shown = row.shown(a_subscription(latest_invoice="in_2"))
    assert shown.view()["latest_invoice"] == {"id": "in_2", "status": "open"}
    assert [one.id for one in shown.invoices] == ["in_1"]


def test_two_events_of_one_change_make_one_renewal() -> None:
    """invoice.paid and invoice.payment_succeeded."""
    before = after(a_row(), an_invoice("open", 2))
    paid = after(before, an_invoice("paid", 2)).written(at=AT)
    assert paid.news(before) == ("subscription.renewed",)
    again = after(paid, an_invoice("paid", 2))
    assert again == paid
    # Nor when the subscription names it, or a later failure is told of late.
    named = paid.shown(a_subscription(latest_invoice="in_2"))
    assert named.written(at=AT).news(paid) == ("subscription.changed",)
    assert after(named, an_invoice("open", 2)) == named


def test_the_first_payment_is_no_renewal() -> None:
    row = a_row("active", latest_invoice=Invoice(id="in_1", status="open", is_first=True))
    paid = after(row, an_invoice("paid", 1)).written(at=AT)
    assert paid.news(row) == ("subscription.changed",)
    assert not paid.owes_first


def test_a_row_that_is_not_there_begins_with_its_subscription() -> None:
    found = an_invoice("paid", 2)
    nothing = begun(found, AT)
    assert (nothing.id, nothing.version, nothing.user_id) == ("sub_1", 0, "user-1")
    for source in (Source.PAYLOAD, Source.FETCH):
        asked = settle(nothing, a_look(found, NOON, source=source))
        assert asked == FetchFirst("sub_1", resource="subscription")
    whole = a_subscription(latest_invoice=found)
    verdict = settle(nothing, a_look(whole, NOON, source=Source.FETCH))
    assert isinstance(verdict, Verdict)
    assert verdict.after.status == "active"
    # What was paid before we knew of the subscription is no news.
    assert verdict.after.written(at=AT).news(nothing) == ("subscription.started",)


# --- why a payment failed -------------------------------------------------------------------------


def renewing() -> Subscription:
    return a_row(latest_invoice=Invoice(id="in_2"))


def test_each_failure_is_looked_at_at_stripe() -> None:
    """An event does not say why; the next failure may have another reason."""
    asked = FetchFirst("in_2")
    assert settle(renewing(), a_look(a_failed_invoice(), NOON)) == asked
    looked = after(renewing(), with_payments(a_failed_invoice()), source=Source.FETCH)
    assert settle(looked, a_look(a_failed_invoice(), NOON)) == asked
    again = with_payments(a_failed_invoice(), "expired_card")
    looked = after(looked, again, source=Source.FETCH)
    assert looked.last_error is not None
    assert looked.last_error.decline_code == "expired_card"


@pytest.mark.parametrize(
    "found",
    [
        an_invoice("draft", 2),
        an_invoice("open", 2),
        an_invoice("paid", 2),
        an_invoice("void", 2, attempted=True),
        # The browser that confirms the first payment is told by Stripe itself.
        a_failed_invoice(1),
    ],
)
def test_nothing_else_is(found: dict[str, Any]) -> None:
    assert after(renewing(), found).last_error is None


def test_a_failure_told_of_after_the_payment_needs_no_look() -> None:
    paid = after(renewing(), an_invoice("paid", 2))
    assert after(paid, a_failed_invoice()) == paid


NO_ERROR: dict[str, Any] = {"decline_code": None, "status": "requires_action"}


@pytest.mark.parametrize(
    ("intent", "codes", "step"),
    [
        ({}, ("card_declined", "insufficient_funds"), NextStep.ADD_FUNDS),
        (
            {"last_payment_error": {"code": "expired_card"}},
            ("expired_card", None),
            NextStep.NEW_CARD,
        ),
        # The bank asks for a confirmation before it says yes or no: that is no error at Stripe.
        (
            NO_ERROR | {"next_action": {"type": "use_stripe_sdk"}},
            ("authentication_required", None),
            NextStep.CONFIRM,
        ),
        (
            NO_ERROR | {"next_action": {"type": "redirect_to_url"}},
            ("authentication_required", None),
            NextStep.CONFIRM,
        ),
        (NO_ERROR | {"next_action": {"type": "display_bank_transfer_instructions"}}, None, None),
        ({"decline_code": None}, None, None),
        ({"decline_code": None, "status": "processing"}, None, None),
    ],
)
def test_a_look_shows_why(
    intent: dict[str, Any], codes: tuple[str, str | None] | None, step: NextStep | None
) -> None:
    """In our words: of an intent without an error there is nothing to say."""
    row = after(renewing(), with_payments(a_failed_invoice(), **intent), source=Source.FETCH)
    expected = codes and step and dict(zip(("code", "decline_code"), codes, strict=True))
    assert row.view()["last_error"] == (expected and step and expected | {"message": step.value})


@pytest.mark.parametrize(
    "payments",
    [
        None,
        {"data": []},
        {"data": [{"is_default": True, "payment": {"type": "payment_record"}}]},
        # Not expanded.
        {"data": [{"is_default": True, "payment": {"payment_intent": "pi_1"}}]},
        # What somebody attached beside is not what Stripe asks for.
        {
            "data": [
                {
                    "is_default": False,
                    "payment": {"payment_intent": {"last_payment_error": {"code": "expired_card"}}},
                }
            ]
        },
    ],
)
def test_other_payments_say_nothing(payments: Any) -> None:
    found = a_failed_invoice(payments=payments)
    assert after(renewing(), found, source=Source.FETCH).last_error is None


def test_the_reason_stays_until_the_invoice_is_settled() -> None:
    """Stripe forgets it with any change of the intent; a payment that is under way is none yet."""
    failed = after(renewing(), with_payments(a_failed_invoice()), source=Source.FETCH)
    forgotten = with_payments(a_failed_invoice(), None, status="processing")
    assert after(failed, forgotten, source=Source.FETCH) == failed
    given_up = after(failed, an_invoice("uncollectible", 2), source=Source.FETCH)
    assert given_up.last_error == failed.last_error
    for end in ("paid", "void"):
        assert after(failed, an_invoice(end, 2)).view()["last_error"] is None


def test_the_reason_is_news_and_so_is_its_end() -> None:
    failed = after(renewing(), with_payments(a_failed_invoice()), source=Source.FETCH)
    assert failed.written(at=AT).news(renewing()) == ("subscription.changed",)
    paid = after(failed, an_invoice("paid", 2)).written(at=AT)
    assert paid.news(failed) == ("subscription.renewed",)


# --- whose it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (None, None),
        ({}, None),
        ({"subscription_details": None}, None),
        ({"subscription_details": {"subscription": None}}, None),
        ({"subscription_details": {"subscription": "sub_1"}}, "sub_1"),
        ({"subscription_details": {"subscription": {"id": "sub_1"}, "metadata": MARKS}}, "sub_1"),
    ],
)
def test_it_names_its_subscription(parent: Any, expected: str | None) -> None:
    assert subscription_id_of({"parent": parent}) == expected


def test_what_is_owed_is_owed_from_its_day() -> None:
    def since(**changes: Any) -> int | None:
        found = invoice_of(an_invoice("open", 2, **changes))
        assert found is not None
        return found.owed_since

    assert since() == NOON + 30 * DAY
    assert since(due_date=NOON + 60 * DAY) == NOON + 60 * DAY
    assert since(status_transitions=None) is None


looks = st.builds(
    Invoice,
    id=st.sampled_from(["in_1", "in_2", "in_3"]),
    status=st.none() | st.sampled_from(STATUSES[:4]),
    is_first=st.booleans(),
    is_renewal=st.booleans(),
    created=st.integers(NOON, NOON + 30 * DAY),
    owed_since=st.none() | st.integers(NOON, NOON + 30 * DAY),
)


@given(seen=st.lists(looks, max_size=6), order=st.randoms())
def test_what_is_learned_does_not_depend_on_order_or_copies(
    seen: list[Invoice], order: Any
) -> None:
    def learned(found: list[Invoice]) -> tuple[Invoice, ...]:
        known: tuple[Invoice, ...] = ()
        for one in found:
            known = remembered(joined(known, one))
        return known

    shuffled = seen + seen[:2]
    order.shuffle(shuffled)
    assert learned(shuffled) == learned(seen)
