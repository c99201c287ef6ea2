"""Dead letters are sent back or discarded, under a name, and nothing is lost in between."""

from dataclasses import dataclass, field

import pytest
from paidonce.domain import moment
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.use_cases.dead_letter_port import DeadLetter
from paidonce.use_cases.dead_letters import DeadLetterDesk, Deed

from tests.examples import STAGE, a_payment, an_event
from tests.fakes_dead_letters import FakeDeadLetters
from tests.use_cases.worker import Worker

DEED = Deed(id="r-1", who="ann", what="the rule is mended")
OF_SQS = {
    "event_id": "evt_1",
    "event_type": "payment_intent.succeeded",
    "livemode": "false",
    "account": "acct_1",
    "api_version": "2026-10-28.endive",
    "correlation_id": "cor",
    "received_at": "2026-09-21T13:33:30.000Z",
    "first_seen": "2026-09-21T13:33:40.000Z",
    "wait_reason": "try_again",
    "reason": "try_again",
}


def a_letter(n: int = 1) -> DeadLetter:
    return DeadLetter(
        message_id=f"m{n}",
        receipt_handle=f"r{n}",
        body=f'{{"id": "evt_{n}"}}',
        attributes=OF_SQS | {"event_id": f"evt_{n}"},
        sent_at="2026-09-21T13:33:30.000Z",
    )


@dataclass
class Desk:
    """The desk over a worker's tables."""

    letters: FakeDeadLetters
    worker: Worker = field(default_factory=Worker)

    @property
    def desk(self) -> DeadLetterDesk:
        return DeadLetterDesk(
            letters=self.letters, books=self.worker.books, clock=self.worker.clock, stage=STAGE
        )

    def sends_back(self, deed: Deed = DEED, *, only: str | None = None) -> list[str]:
        done = self.desk.send_back(
            deed, wanted=lambda one: only in (None, one.event_id), per_second=2
        )
        return [letter.message_id for letter in done]

    def discards(self) -> list[str]:
        return [one.message_id for one in self.desk.discard(DEED, wanted=lambda _: True)]


def a_dead_row(event_id: str = "evt_1", outcome: Outcome = Outcome.DEAD) -> LedgerRow:
    return LedgerRow(
        event_id=event_id,
        event_type="payment_intent.succeeded",
        outcome=outcome,
        livemode=False,
        decided_at="2026-09-21T13:33:30.000Z",
    )


def test_a_letter_goes_back_as_it_first_came_and_as_a_replay() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    assert here.sends_back() == ["m1"]
    (sent,) = here.letters.sent
    assert sent.body == '{"id": "evt_1"}'
    assert sent.attributes["replay_id"] == "r-1"
    assert not {"first_seen", "wait_reason", "wait_attempt", "reason"} & sent.attributes.keys()
    assert sent.attributes["correlation_id"] == "cor"
    assert here.letters.letters == {}


def test_what_was_sent_back_is_decided_although_its_row_is_dead() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    here.worker.tables.rows["evt_1"] = a_dead_row()
    here.sends_back()
    here.worker.takes(here.worker.again(here.letters.sent[0], an_event()))
    assert here.worker.payment.status == "paid"
    assert here.worker.tables.rows["evt_1"].outcome is Outcome.APPLIED


def test_what_was_sent_back_may_wait_as_long_as_what_is_new() -> None:
    """Its old clock had run out, and the marks of waiting were one attribute too many for SQS."""
    here = Desk(FakeDeadLetters(a_letter()))
    here.worker.clock.time = moment.seconds(OF_SQS["received_at"]) + 3 * 86_400
    here.sends_back()
    (sent,) = here.letters.sent
    for _ in range(5):
        here.worker.books.faults.plan("read", TryAgain("throttled"))
        assert here.worker.takes(here.worker.again(sent, an_event())) == set()
        sent = here.worker.queue.copies.pop()
    assert here.worker.queue.buried == []
    here.worker.takes(here.worker.again(sent, an_event()))
    assert here.worker.payment.status == "paid"


def test_it_keeps_the_pace() -> None:
    here = Desk(FakeDeadLetters(*map(a_letter, range(4))))
    here.sends_back()
    assert here.worker.clock.pauses == [0.5] * 4
    with pytest.raises(ValueError, match="a second"):
        list(here.desk.send_back(DEED, wanted=lambda _: True, per_second=1000))


def test_only_what_is_wanted_goes_and_the_rest_is_seen_again() -> None:
    here = Desk(FakeDeadLetters(*map(a_letter, range(3))))
    assert here.sends_back(only="evt_1") == ["m1"]
    assert here.letters.letters.keys() == {"m0", "m2"}
    assert here.letters.hidden == {"m1"}


def test_who_did_what_stands_in_the_ledger_before_anything_happens() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    here.letters.faults.plan("send_back", TryAgain("SQS is away"))
    with pytest.raises(TryAgain):
        here.sends_back()
    row = here.worker.tables.rows["operator#r-1"]
    assert (row.event_type, row.reason) == ("operator.replay", "ann: the rule is mended")
    assert here.letters.letters.keys() == {"m1"}


def test_the_same_deed_goes_on_after_a_crash() -> None:
    here = Desk(FakeDeadLetters(*map(a_letter, range(3))))
    here.letters.faults.plan("delete.after", TryAgain("killed"))
    with pytest.raises(TryAgain):
        here.sends_back()
    here.letters.hidden.clear()
    assert here.sends_back() == ["m1", "m2"]
    assert len(here.letters.sent) == 3


def test_sent_but_not_deleted_is_sent_twice_and_decided_once() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    here.worker.tables.rows["evt_1"] = a_dead_row()
    here.letters.faults.plan("delete", TryAgain("killed"))
    with pytest.raises(TryAgain):
        here.sends_back()
    here.letters.hidden.clear()
    here.sends_back()
    first, second = here.letters.sent
    for sent in (first, second):
        here.worker.takes(here.worker.again(sent, an_event()))
    assert here.worker.payment.version == 2


def test_a_discarded_event_is_ignored_with_its_reason_and_can_be_replayed() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    here.worker.tables.rows["evt_1"] = a_dead_row()
    assert here.discards() == ["m1"]
    row = here.worker.tables.rows["evt_1"]
    assert (row.outcome, row.reason) == (
        Outcome.IGNORED,
        "discarded by ann: the rule is mended",
    )
    assert here.letters.letters == {}
    assert here.worker.tables.rows["operator#r-1"].event_type == "operator.discard"
    replay = {"replay_id": "r-2", "correlation_id": "cor"}
    here.worker.takes(here.worker.delivery(an_event(), attributes=replay))
    assert here.worker.payment.status == "paid"


def test_what_was_decided_meanwhile_is_not_discarded() -> None:
    here = Desk(FakeDeadLetters(a_letter()))
    here.worker.tables.rows["evt_1"] = a_dead_row(outcome=Outcome.APPLIED)
    here.discards()
    assert here.worker.tables.rows["evt_1"].outcome is Outcome.APPLIED
    assert here.letters.letters == {}
    assert here.worker.payment == a_payment()


def test_a_message_of_nobody_s_can_be_discarded() -> None:
    letter = DeadLetter(
        message_id="m1", receipt_handle="r1", body="not json", attributes={}, sent_at="x"
    )
    here = Desk(FakeDeadLetters(letter))
    assert here.discards() == ["m1"]
    assert here.worker.tables.rows.keys() == {"operator#r-1"}
