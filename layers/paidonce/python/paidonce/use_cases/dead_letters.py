"""What an operator does with dead letters: send them back, or discard them with a reason.

Both are written down in the ledger first, under the operator's name; both can be repeated.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from paidonce.domain.ledger import DISCARDED, LedgerRow, Outcome, answer_id
from paidonce.domain.moment import iso
from paidonce.domain.operation import Operation
from paidonce.domain.ownership import Stage
from paidonce.use_cases.dead_letter_port import DeadLetter, DeadLetters
from paidonce.use_cases.ports import AlreadyApplied, Books, Clock, Commit

# What waiting and dying added: a letter that is sent back begins anew.
_OF_WAITING = ("wait_attempt", "first_seen", "wait_reason", "reason", "replay_id", "replay_force")
# SQS takes ten attributes: nobody reads this one, and a letter that waits again needs its place.
_NOT_NEEDED = ("account",)
# The worker's share of Stripe's rate limit bounds what it can fetch; a flood would only wait.
PER_SECOND_MAX = 50

Wanted = Callable[[DeadLetter], bool]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What an operator does: `id` is the same for every repeat of one deed, `who` did it."""

    id: str
    who: str
    what: str

    @property
    def row_id(self) -> str:
        """The ledger's name of it."""
        return f"operator#{self.id}"


@dataclass(frozen=True, kw_only=True)
class DeadLetterDesk:
    """The verbs behind `paidonce dlq`."""

    letters: DeadLetters
    books: Books
    clock: Clock
    stage: Stage

    def send_back(self, deed: Deed, *, wanted: Wanted, per_second: float) -> Iterator[DeadLetter]:
        """Send back what is wanted, no faster than that; yields each once the queue has it.

        A crash in between leaves the rest where it is: do it again under the same deed. Raises
        TryAgain, and ValueError for a pace that is none.
        """
        if not 0 < per_second <= PER_SECOND_MAX:
            raise ValueError(f"from 0 to {PER_SECOND_MAX} a second")
        self.note(deed, "operator.replay")
        for letter in self._wanted(wanted):
            left_out = (*_OF_WAITING, *_NOT_NEEDED)
            kept = {k: v for k, v in letter.attributes.items() if k not in left_out}
            # How long it may wait counts from now, as how long its new message is kept.
            begins = {"received_at": iso(self.clock.now()), "replay_id": deed.id}
            self.letters.send_back(letter, kept | begins)
            self.letters.delete(letter)
            yield letter
            self.clock.pause(1 / per_second)

    def discard(self, deed: Deed, *, wanted: Wanted) -> Iterator[DeadLetter]:
        """Give up for good; the event's row becomes `ignored` with the reason. Raises TryAgain.

        A call's row takes the reason and stays `dead`: were it final, nobody could note how the
        call ends when somebody asks for it again.
        """
        self.note(deed, "operator.discard")
        for letter in self._wanted(wanted):
            operation = Operation.parse(letter.body)
            if operation is not None:
                self._given_up(answer_id(operation.idempotency_key), Outcome.DEAD, deed)
            elif letter.event_id:
                self._given_up(letter.event_id, Outcome.IGNORED, deed)
            self.letters.delete(letter)
            yield letter

    def note(self, deed: Deed, event_type: str) -> None:
        """Who, what and when, before anything happens. Raises TryAgain."""
        at = iso(self.clock.now())
        row = LedgerRow(
            event_id=deed.row_id,
            event_type=event_type,
            outcome=Outcome.APPLIED,
            reason=f"{deed.who}: {deed.what}",
            livemode=self.stage.livemode,
            received_at=at,
            decided_at=at,
            replay_id=None,
        )
        try:
            self.books.commit(Commit(rows=(row,)))
        except AlreadyApplied:
            return  # the same deed goes on

    def _wanted(self, wanted: Wanted) -> Iterator[DeadLetter]:
        left: list[DeadLetter] = []
        try:
            for letter in self.letters.look():
                if wanted(letter):
                    yield letter
                else:
                    left.append(letter)
        finally:
            self.letters.show(left)

    def _given_up(self, event_id: str, outcome: Outcome, deed: Deed) -> None:
        """Only a row that nobody has decided meanwhile; a replay can still bring it back."""
        rows: Mapping[str, LedgerRow] = self.books.read(
            event_ids=[event_id], payment_ids=[], pointer_ids=[]
        ).rows
        row = rows.get(event_id)
        if row is None or row.outcome.is_final:
            return
        after = replace(
            row,
            outcome=outcome,
            reason=f"{DISCARDED}{deed.who}: {deed.what}",
            decided_at=iso(self.clock.now()),
            replay_id=deed.id,
        )
        self.books.commit(Commit(rows=(after,), replayed={event_id: row}))
