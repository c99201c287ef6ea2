"""What a replay would change is shown by the worker's own decision, and nothing is written."""

import copy
from dataclasses import replace

import pytest
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import Outcome
from paidonce.use_cases.preview_event import Preview, PreviewEvent

from tests.examples import a_payment, an_event, an_intent
from tests.use_cases.worker import Worker, stripe_holds


def preview(worker: Worker, *, force: bool = False) -> Preview:
    before = copy.deepcopy(vars(worker.tables))
    shown = PreviewEvent(decide_alone=worker.apply.decide_alone)(an_event(), force=force)
    assert vars(worker.tables) == before
    assert worker.books.commits == []
    return shown


def test_an_event_that_never_came_shows_all_that_it_would_do() -> None:
    shown = preview(Worker())
    assert (shown.now, shown.would, shown.aggregate_id) == (None, Outcome.APPLIED, "pay_1")
    assert shown.changes["status"] == ("pending", "paid")
    assert shown.changes["payment_intent_id"] == (None, "pi_1")
    assert shown.changes["version"] == (1, 2)
    assert shown.tells == ("pay_1.2.payment.paid",)


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.UNCHANGED])
def test_what_had_its_effect_is_left_alone_unless_forced(outcome: Outcome) -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    worker.books.commits.clear()
    row = worker.tables.rows["evt_1"]
    worker.tables.rows["evt_1"] = replace(row, outcome=outcome)
    shown = preview(worker)
    assert (shown.now, shown.would, shown.changes) == (outcome, None, {})
    stripe_holds(worker, an_intent("succeeded"))
    assert preview(worker, force=True).would is Outcome.UNCHANGED


def test_a_forced_one_shows_what_stripe_holds_now() -> None:
    worker = Worker()
    worker.takes(worker.delivery(an_event()))
    worker.books.commits.clear()
    worker.tables.payments["pay_1"] = a_payment()
    stripe_holds(worker, an_intent("processing"))
    shown = preview(worker, force=True)
    assert shown.changes["status"] == ("pending", "processing")
    # What the bus has not heard of the old row is kept, and is no effect of the replay.
    assert shown.tells == ()


def test_what_cannot_be_decided_now_says_why() -> None:
    worker = Worker()
    worker.tables.payments.clear()
    shown = preview(worker)
    assert (shown.would, shown.waits) == (None, "not_yet_known")
    worker = Worker()
    stripe_holds(worker, an_intent())
    worker.reader.faults.plan("retrieve", TryAgain("Stripe is away"))
    assert preview(worker, force=True).waits == "try_again"


def test_what_is_nobody_s_of_ours_is_foreign_and_changes_nothing() -> None:
    worker = Worker()
    event = an_event(found=an_intent("succeeded", metadata={}))
    shown = PreviewEvent(decide_alone=worker.apply.decide_alone)(event, force=False)
    assert (shown.would, shown.changes, shown.tells) == (Outcome.FOREIGN, {}, ())
