"""Who may use a subscription: policy by status by day."""

import math

import pytest
from paidonce.domain.entitlement import entitled_until, is_entitled, view_of
from paidonce.domain.invoice import Invoice
from paidonce.domain.moment import iso
from paidonce.domain.policy import Policy

from tests.billing_examples import DAY, a_customer_row, a_row
from tests.examples import NOON, a_payment

STRICT = Policy(grace_days=0)
USUAL = Policy(grace_days=7)
LENIENT = Policy(grace_days=30, unpaid=True, paused=True)
POLICIES = {"strict": STRICT, "usual": USUAL, "lenient": LENIENT}
DUE = NOON + 30 * DAY
# Days after the renewal was due; the last moment of a grace is not part of it.
DAYS = (0, 6.99, 7, 29.99, 30, 400)
ALWAYS = (True,) * 6
NEVER = (False,) * 6
SEVEN = (True, True, False, False, False, False)
THIRTY = (True, True, True, True, False, False)
TABLE = {
    # status: strict, usual, lenient
    "trialing": (ALWAYS, ALWAYS, ALWAYS),
    "active": (ALWAYS, ALWAYS, ALWAYS),
    "past_due": (NEVER, SEVEN, THIRTY),
    "unpaid": (NEVER, NEVER, ALWAYS),
    "paused": (NEVER, NEVER, ALWAYS),
    "incomplete": (NEVER, NEVER, NEVER),
    "incomplete_expired": (NEVER, NEVER, NEVER),
    "canceled": (NEVER, NEVER, NEVER),
    "something new": (NEVER, NEVER, NEVER),
}
FIRST = Invoice(id="in_1", status="paid", is_first=True, created=NOON, owed_since=NOON)
RENEWAL = Invoice(id="in_2", status="open", is_renewal=True, created=DUE - 3600, owed_since=DUE)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("status", TABLE)
def test_policy_by_status_by_day(name: str, status: str) -> None:
    row = a_row(status, latest_invoice=RENEWAL, invoices=(FIRST,))
    expected = TABLE[status][list(POLICIES).index(name)]
    found = tuple(is_entitled(POLICIES[name], row, now=DUE + day * DAY) for day in DAYS)
    assert found == expected


@pytest.mark.parametrize("status", ["active", "past_due", "unpaid", "paused"])
@pytest.mark.parametrize("invoice", ["draft", "open", "uncollectible", "void"])
def test_what_began_without_its_first_payment_may_not_be_used(status: str, invoice: str) -> None:
    """Stripe calls it active while an invoice that was sent is not paid."""
    first = Invoice(id="in_1", status=invoice, is_first=True, created=NOON, owed_since=NOON)
    assert entitled_until(LENIENT, a_row(status, latest_invoice=first)) == 0
    # Not even a month later, when another one is the latest.
    assert entitled_until(LENIENT, a_row(status, latest_invoice=RENEWAL, invoices=(first,))) == 0


def test_a_trial_waits_for_no_payment() -> None:
    first = Invoice(id="in_1", status="open", is_first=True)
    assert entitled_until(STRICT, a_row("trialing", latest_invoice=first)) == math.inf


def test_grace_counts_from_the_oldest_debt_that_nothing_was_paid_after() -> None:
    """Another invoice of a daily subscription does not begin it anew."""
    later = Invoice(id="in_3", status="open", created=DUE + DAY, owed_since=DUE + DAY)
    row = a_row("past_due", latest_invoice=later, invoices=(RENEWAL, FIRST))
    assert entitled_until(USUAL, row) == DUE + 7 * DAY
    draft = Invoice(id="in_4", status="draft", created=DUE + 2 * DAY)
    row = a_row("past_due", latest_invoice=draft, invoices=(later, RENEWAL, FIRST))
    assert entitled_until(USUAL, row) == DUE + 7 * DAY


def test_a_debt_before_a_payment_is_over() -> None:
    old = Invoice(id="in_0", status="uncollectible", created=NOON - DAY, owed_since=NOON - DAY)
    row = a_row("past_due", latest_invoice=RENEWAL, invoices=(FIRST, old))
    assert entitled_until(USUAL, row) == DUE + 7 * DAY


def test_what_is_late_since_nobody_knows_when_may_not_be_used() -> None:
    assert entitled_until(LENIENT, a_row("past_due", latest_invoice=None)) == 0


def test_the_view_says_when_time_alone_will_end_it() -> None:
    row = a_row("past_due", latest_invoice=RENEWAL, invoices=(FIRST,))
    before = view_of(row, policy=USUAL, now=DUE + 7 * DAY - 1)
    after = view_of(row, policy=USUAL, now=DUE + 7 * DAY)
    assert (before["entitled"], before["entitled_until"]) == (True, iso(DUE + 7 * DAY))
    assert (after["entitled"], after["entitled_until"]) == (False, None)
    active = view_of(a_row("active"), policy=USUAL, now=DUE)
    assert (active["entitled"], active["entitled_until"]) == (True, None)
    for other in (a_payment(), a_customer_row()):
        assert view_of(other, policy=USUAL, now=0) == other.view()
