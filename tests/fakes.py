"""In-memory fakes of the ports, held to the contract tests of the adapters; more in `fakes_*.py`.

Each fake has `faults`: `faults.plan("commit", TryAgain("full"))` makes the next commit raise before
it does anything, `faults.plan("commit.after", …)` after it was done (an answer that got lost), and
`faults.before("commit", action)` runs something in between (somebody else's write).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.ownership import FOREIGN
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.use_cases.ports import (
    AlreadyApplied,
    Commit,
    Delivery,
    Letter,
    OrderTaken,
    Pages,
    Pointer,
    TimeLeft,
)

from tests.catalogue_item import CatalogueItem


class Faults:
    """What goes wrong next, by the name of the call."""

    def __init__(self) -> None:
        self._errors: dict[str, deque[BaseException]] = defaultdict(deque)
        self._actions: dict[str, deque[Callable[[], object]]] = defaultdict(deque)
        self.calls: list[str] = []

    def plan(self, call: str, *errors: BaseException) -> None:
        """Raise these, one per call; `<call>.after` raises once the call has had its effect."""
        self._errors[call].extend(errors)

    def before(self, call: str, action: Callable[[], object]) -> None:
        """Run this once, right before the next such call."""
        self._actions[call].append(action)

    def around(self, call: str) -> AbstractContextManager[None]:
        """Count the call and let what was planned happen."""
        return Around(self, call)

    def begin(self, call: str) -> None:
        """What was planned before the call."""
        self.calls.append(call)
        if self._actions and self._actions[call]:
            self._actions[call].popleft()()
        self.raise_next(call)

    def raise_next(self, call: str) -> None:
        """What was planned under this name, if anything was."""
        if self._errors and self._errors[call]:
            raise self._errors[call].popleft()


class Around:
    """One call with its faults; a class, since the simulation makes a hundred million of them."""

    def __init__(self, faults: Faults, call: str) -> None:
        self._faults = faults
        self._call = call

    def __enter__(self) -> None:
        """Before it."""
        self._faults.begin(self._call)

    def __exit__(self, kind: object, *_: object) -> None:
        """After it, unless it failed by itself."""
        if kind is None:
            self._faults.raise_next(f"{self._call}.after")


class FakeClock:
    """Time that passes only when told, or while somebody pauses."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.pauses: list[float] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self.time

    def pause(self, seconds: float) -> None:
        """Let that much time pass, and remember it."""
        self.pauses.append(seconds)
        self.time += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass without a pause of ours."""
        self.time += seconds

    def time_left(self, seconds: float) -> TimeLeft:
        """A deadline that many seconds from now."""
        end = self.time + seconds
        return lambda: end - self.time


@dataclass
class Tables:
    """The state and the ledger, shared by the fakes that write them."""

    rows: dict[str, LedgerRow] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    pointers: dict[str, Pointer] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    others: dict[str, Aggregate] = field(default_factory=dict)  # what is no payment
    catalogue: dict[str, CatalogueItem] = field(default_factory=dict)

    def entry(self, name: str) -> CatalogueItem:
        """An item of the catalogue, as if it were there."""
        return self.catalogue.get(name, CatalogueItem())

    def aggregate(self, aggregate_id: str) -> Aggregate | None:
        """A row of any kind."""
        return self.payments.get(aggregate_id) or self.others.get(aggregate_id)

    def put(self, aggregate: Aggregate) -> None:
        """Write a row of any kind."""
        if isinstance(aggregate, Payment):
            self.payments[aggregate.id] = aggregate
        else:
            self.others[aggregate.id] = aggregate


class FakeBooks:
    """`Books` over dictionaries."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self.faults = Faults()
        self.commits: list[Commit] = []

    def read(
        self,
        *,
        event_ids: Collection[str],
        payment_ids: Collection[str],
        pointer_ids: Collection[str],
    ) -> Pages:
        """See `Books.read`."""
        with self.faults.around("read"):
            tables = self.tables
            pointers = {
                i: tables.pointers[i].aggregate_id for i in pointer_ids if i in tables.pointers
            }
            wanted = {*payment_ids, *pointers.values()} - {FOREIGN}
            return Pages(
                rows={i: tables.rows[i] for i in event_ids if i in tables.rows},
                aggregates={i: found for i in wanted if (found := tables.aggregate(i))},
                pointers=pointers,
            )

    def commit(self, entry: Commit) -> None:
        """See `Books.commit`."""
        with self.faults.around("commit"):
            _refuse_two_actions_on_one_item(entry)
            self._check(entry)
            self.tables.rows.update({row.event_id: row for row in entry.rows})
            for after in [*entry.made, *(after for _, after in entry.changed)]:
                self.tables.put(after)
            self.tables.pointers.update({pointer.id: pointer for pointer in entry.pointers})
            for claim_id, payment_id in entry.claims.items():
                self.tables.claims.setdefault(claim_id, payment_id)
            for name in entry.outdated:
                self.tables.catalogue[name] = replace(self.tables.entry(name), kept=None).moved_on()
            self.commits.append(entry)

    def _check(self, entry: Commit) -> None:
        once = [r.event_id for r in entry.rows if r.event_id not in entry.replayed]
        final = [event_id for event_id in once if self._outcome(event_id) not in _OPEN]
        if final:
            raise AlreadyApplied(*final)
        for event_id, row in entry.replayed.items():
            if self.tables.rows.get(event_id) != row:
                raise ChangedMeanwhile(event_id)
        for read in [before for before, _ in entry.changed] + list(entry.checked):
            stored = self.tables.aggregate(read.id)
            if stored is None or stored.version != read.version:
                raise ChangedMeanwhile(read.id)
        for new in entry.made:
            if self.tables.aggregate(new.id) is not None:
                raise ChangedMeanwhile(new.id)
        for pointer in entry.pointers:
            known = self.tables.pointers.get(pointer.id)
            if known is not None and known.aggregate_id != pointer.aggregate_id:
                raise ChangedMeanwhile(pointer.id)

    def _outcome(self, event_id: str) -> Outcome | None:
        row = self.tables.rows.get(event_id)
        return None if row is None else row.outcome

    def park(self, row: LedgerRow) -> Outcome | None:
        """See `Books.park`."""
        with self.faults.around("park"):
            if row.outcome.is_final:
                raise ValueError("a final row is committed, not parked")
            weaker = _OPEN if row.outcome is Outcome.DEAD else _OPEN - {Outcome.DEAD}
            stands = self._outcome(row.event_id)
            if stands not in weaker:
                return stands
            self.tables.rows[row.event_id] = row
            return None


_OPEN = {None, Outcome.WAITING, Outcome.FAILING, Outcome.DEAD}


def _refuse_two_actions_on_one_item(entry: Commit) -> None:
    """DynamoDB refuses a transaction that names an item twice, so the fake does."""
    ids = (
        [new.id for new in entry.made]
        + [after.id for _, after in entry.changed]
        + [payment.id for payment in entry.checked]
        + [pointer.id for pointer in entry.pointers]
        + [row.event_id for row in entry.rows]
        + list(entry.outdated)
        + list(entry.claims)
    )
    if len(ids) != len(set(ids)):
        raise ValueError(f"two actions on one item: {sorted(ids)}")


class FakePaymentBooks:
    """`PaymentBooks` over the same dictionaries."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables()
        self.faults = Faults()

    def get(self, payment_id: str) -> Payment | None:
        """See `PaymentBooks.get`."""
        with self.faults.around("get"):
            return self.tables.payments.get(payment_id)

    def open(self, payment: Payment, *, claim_id: str) -> Payment:
        """See `PaymentBooks.open`."""
        with self.faults.around("open"):
            stands = self.tables.payments.get(payment.id)
            if stands is not None:
                return stands
            holder_id = self.tables.claims.get(claim_id)
            if holder_id is not None and holder_id != payment.id:
                holder = self.tables.payments[holder_id]
                if holder.status is not PaymentStatus.CANCELED:
                    raise OrderTaken(holder)
            self.tables.payments[payment.id] = payment
            self.tables.claims[claim_id] = payment.id
            return payment

    def claimed_by(self, claim_id: str) -> str | None:
        """See `PaymentBooks.claimed_by`."""
        with self.faults.around("claimed_by"):
            return self.tables.claims.get(claim_id)

    def save(self, before: Payment, after: Payment) -> None:
        """See `PaymentBooks.save`."""
        with self.faults.around("save"):
            stored = self.tables.payments.get(before.id)
            if stored is None or stored.version != before.version:
                raise ChangedMeanwhile(before.id)
            self.tables.payments[after.id] = after

    def note_try(self, payment: Payment, *, at: int) -> Payment:
        """See `PaymentBooks.note_try`."""
        with self.faults.around("note_try"):
            stored = self.tables.payments.get(payment.id)
            if stored is None or stored.creation.attempt != payment.creation.attempt:
                raise ChangedMeanwhile(payment.id)
            first = stored.creation.first_tried_at
            creation = replace(
                stored.creation, last_tried_at=at, first_tried_at=at if first is None else first
            )
            noted = replace(stored, creation=creation, version=stored.version + 1)
            self.tables.payments[payment.id] = noted
            return noted


class FakeCounter:
    """`Counter` over a dictionary; nothing expires, since keys carry their time."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.faults = Faults()

    def take(self, key: str, *, limit: int, lasts_seconds: int) -> bool:
        """See `Counter.take`."""
        assert lasts_seconds > 0
        with self.faults.around("take"):
            if self.counts[key] >= limit:
                return False
            self.counts[key] += 1
            return True


@dataclass(frozen=True)
class Sent:
    """One message that somebody sent."""

    body: str
    attributes: Mapping[str, str]
    delay_seconds: int = 0


class FakeEventQueue:
    """`EventQueue` that keeps what it was told."""

    def __init__(self) -> None:
        self.copies: list[Sent] = []
        self.buried: list[Sent] = []
        self.hidden: dict[str, int] = {}
        self.deleted: list[str] = []
        self.faults = Faults()

    def send_copy(
        self, delivery: Delivery, *, delay_seconds: int, attributes: Mapping[str, str]
    ) -> None:
        """See `EventQueue.send_copy`; SQS delays by 900 s at most and takes 10 attributes."""
        with self.faults.around("send_copy"):
            _refuse_what_sqs_refuses(attributes, delay_seconds)
            self.copies.append(Sent(delivery.body, dict(attributes), delay_seconds))

    def bury(self, delivery: Delivery, *, reason: str) -> None:
        """See `EventQueue.bury`."""
        with self.faults.around("bury"):
            kept = {k: v for k, v in delivery.attributes.items() if k != "wait_attempt"}
            attributes = {**kept, "reason": reason}
            _refuse_what_sqs_refuses(attributes, 0)
            self.buried.append(Sent(delivery.body, attributes))

    def hide(self, delivery: Delivery, *, seconds: int) -> None:
        """See `EventQueue.hide`."""
        with self.faults.around("hide"):
            self.hidden[delivery.message_id] = seconds

    def delete(self, deliveries: Sequence[Delivery]) -> None:
        """See `EventQueue.delete`."""
        with self.faults.around("delete"):
            self.deleted += [delivery.message_id for delivery in deliveries]


def _refuse_what_sqs_refuses(attributes: Mapping[str, str], delay_seconds: int) -> None:
    if len(attributes) > 10 or not all(attributes.values()) or not 0 <= delay_seconds <= 900:
        raise ValueError(f"SQS would refuse {sorted(attributes)} after {delay_seconds} s")


class FakeLetterbox:
    """`Letterbox` that keeps the letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.faults = Faults()

    def put(self, letter: Letter) -> None:
        """See `Letterbox.put`."""
        with self.faults.around("put"):
            self.letters.append(letter)


class FakeLease:
    """`Lease` that remembers what was done; `held` are keys that somebody else works on."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self.held: set[str] = set()
        self.faults = Faults()

    def hold(self, key: str, work: Callable[[], None]) -> bool:
        """See `Lease.hold`."""
        with self.faults.around("hold"):
            if key in self.held:
                raise TryAgain(f"{key} is being worked on")
            if key in self.done:
                return False
            self.held.add(key)
            try:
                work()
            finally:
                self.held.discard(key)
            self.done.add(key)
            return True
