"""A replay decides anew what had no effect, once for each replay; the rest only where forced."""

from dataclasses import replace

import pytest
from paidonce.domain import rulebook
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import Outcome
from paidonce.domain.rulebook import Rule
from paidonce.use_cases.ports import Delivery

from tests.examples import a_payment, an_event, an_intent
from tests.use_cases.worker import Worker, stripe_holds

FINAL_WITH_EFFECT = [Outcome.APPLIED, Outcome.UNCHANGED, Outcome.SUPERSEDED]


def sent(worker: Worker, replay_id: str | None = None, *, force: bool = False) -> Delivery:
    words = {"correlation_id": "cor"}
    if replay_id:
        words |= {"replay_id": replay_id} | ({"replay_force": "true"} if force else {})
    return worker.delivery(an_event(), attributes=words)


def ignored(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event came while it had no rule."""
    rule: Rule = rulebook._RULES["payment_intent.succeeded"]
    monkeypatch.delitem(rulebook._RULES, "payment_intent.succeeded")
    worker.takes(sent(worker))
    assert worker.outcomes == {"evt_1": "ignored"}
    monkeypatch.setitem(rulebook._RULES, "payment_intent.succeeded", rule)


def test_an_event_that_had_no_rule_is_applied_once_it_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker()
    ignored(worker, monkeypatch)
    worker.takes(sent(worker))
    assert worker.payment == a_payment()
    assert worker.takes(sent(worker, "replay-1")) == set()
    assert worker.payment.status == "paid"
    row = worker.tables.rows["evt_1"]
    assert (row.outcome, row.replay_id, row.attempts) == ("applied", "replay-1", 2)
    assert [event.type for event in row.domain_events] == ["payment.paid"]


def test_copies_of_a_replay_are_one_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    ignored(worker, monkeypatch)
    assert worker.takes(sent(worker, "replay-1"), sent(worker, "replay-1")) == set()
    assert worker.takes(sent(worker, "replay-1")) == set()
    assert worker.payment.version == 2
    assert worker.telemetry.counts["EventsRepeated"] == 1


def test_beside_another_delivery_of_the_event_the_replay_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker()
    ignored(worker, monkeypatch)
    assert worker.takes(sent(worker), sent(worker, "replay-1")) == set()
    assert worker.payment.status == "paid"


@pytest.mark.parametrize("outcome", FINAL_WITH_EFFECT)
def test_what_had_its_effect_is_left_alone(outcome: Outcome) -> None:
    worker = Worker()
    worker.takes(sent(worker))
    row = replace(worker.tables.rows["evt_1"], outcome=outcome)
    worker.tables.rows["evt_1"] = row
    assert worker.takes(sent(worker, "replay-1")) == set()
    assert worker.tables.rows["evt_1"] == row


def test_a_forced_replay_applies_what_stripe_shows_now_and_not_the_old_payload() -> None:
    worker = Worker()
    worker.takes(sent(worker))
    worker.tables.payments["pay_1"] = replace(a_payment(), version=5)
    stripe_holds(worker, an_intent("processing"))
    assert worker.takes(sent(worker, "replay-1", force=True)) == set()
    assert worker.payment.status == "processing"
    assert worker.tables.rows["evt_1"].replay_id == "replay-1"


def test_what_the_bus_has_not_heard_yet_is_kept() -> None:
    worker = Worker()
    worker.takes(sent(worker))
    stripe_holds(worker, an_intent("succeeded"))
    worker.takes(sent(worker, "replay-1", force=True))
    row = worker.tables.rows["evt_1"]
    assert row.outcome is Outcome.UNCHANGED
    assert [event.id for event in row.domain_events] == ["pay_1.2.payment.paid"]
    worker.tables.rows["evt_1"] = replace(row, is_published=True)
    worker.takes(sent(worker, "replay-2", force=True))
    assert worker.tables.rows["evt_1"].domain_events == ()


@pytest.mark.parametrize("outcome", [Outcome.WAITING, Outcome.FAILING, Outcome.DEAD])
def test_what_was_never_decided_is_decided(outcome: Outcome) -> None:
    worker = Worker()
    worker.takes(sent(worker))
    decided = worker.tables.rows["evt_1"]
    worker.tables.payments["pay_1"] = a_payment()
    worker.tables.rows["evt_1"] = replace(decided, outcome=outcome, domain_events=())
    assert worker.takes(sent(worker, "replay-1")) == set()
    assert worker.payment.status == "paid"
    assert worker.outcomes == {"evt_1": "applied"}


@pytest.mark.parametrize("receive_count", [1, 5])
def test_a_replay_that_has_to_wait_is_not_lost_over_the_final_row(
    monkeypatch: pytest.MonkeyPatch, receive_count: int
) -> None:
    worker = Worker()
    ignored(worker, monkeypatch)
    worker.books.faults.plan("read", TryAgain("throttled"))
    delivery = replace(sent(worker, "replay-1"), receive_count=receive_count)
    assert worker.takes(delivery) == set()
    (copy,) = worker.queue.copies
    assert copy.attributes["replay_id"] == "replay-1"
    assert worker.outcomes == {"evt_1": "ignored"}
    assert worker.takes(worker.again(copy, an_event())) == set()
    assert worker.payment.status == "paid"


def test_somebody_else_s_decision_in_between_is_seen() -> None:
    """The row was waiting when the replay read it, and applied when the replay wrote it."""
    worker = Worker()
    stripe_holds(worker, an_intent("succeeded"))
    worker.books.faults.before("commit", lambda: worker.takes(sent(worker)))
    assert worker.takes(sent(worker, "replay-1")) == set()
    assert worker.payment.version == 2
    assert worker.tables.rows["evt_1"].replay_id is None
