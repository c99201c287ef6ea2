"""What was written, as it was written: the part of the proof that looks at every single write."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from paidonce.adapters import aggregates, items
from paidonce.domain.ledger import DomainEvent, LedgerRow, Outcome
from paidonce.domain.payment import Payment

from tests.fakes import FakeBooks, FakePaymentBooks, Tables
from tests.fakes_billing import FakeRequestBooks
from tests.fakes_publishing import FakeOutbox
from tests.simulation.hazards import Hazards
from tests.simulation.simulated_dynamodb import SimulatedDynamoDb

# stages.toml, retention.ledger_days (a test compares).
LEDGER_DAYS = 90


def ledger_lasts_seconds() -> int:
    """How long a final row stands, as the real item says it."""
    row = LedgerRow(
        event_id="evt_1",
        event_type="t",
        outcome=Outcome.IGNORED,
        livemode=False,
        decided_at="2026-11-22T00:00:00.000Z",
    )
    item = items.ledger_item(row, ledger_days=LEDGER_DAYS)
    midnight = 1_795_305_600
    return int(item["expires_at"]["N"]) - midnight


# Told of each ledger row that has something to publish, as the store keeps it.
Changed = Callable[[Any], None]


def _nobody(row: Any) -> None:
    raise AssertionError(f"nobody listens: {row}")


class Record:
    """Every write of state and ledger. `wrong` are sentences about writes that must not be."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.decided: dict[str, Outcome] = {}
        self.told: dict[str, DomainEvent] = {}
        self.told_by: dict[str, list[str]] = defaultdict(list)
        # What the bus has heard: the ids, as the bus keeps them.
        self.heard: Container[str] = ()
        self.replays: dict[str, set[str]] = {}
        self.versions: dict[str, int] = {}
        self.writes = 0

    def commit(
        self,
        rows: Iterable[LedgerRow],
        made: Iterable[Any],
        changed: Iterable[tuple[Any, Any]],
        stored: Mapping[str, int],
    ) -> None:
        """One transaction; `stored` are the versions that stood before it."""
        rows = list(rows)
        for after in [*made, *(after for _, after in changed)]:
            of_it = [row for row in rows if row.aggregate_id == after.id]
            self.state(after.id, stored.get(after.id), after.version, most=max(1, len(of_it)))
        for row in rows:
            self.row(row)

    def state(self, aggregate_id: str, old: int | None, new: int, *, most: int = 10) -> None:
        """A row of state: its version rises by one for each event of the write, from 1."""
        self.writes += 1
        if old is None:
            if not 1 <= new <= most:
                self.wrong.append(f"version: {aggregate_id} begins at version {new}")
        elif not old < new <= old + most:
            self.wrong.append(f"version: {aggregate_id} went from version {old} to {new}")
        self.versions[aggregate_id] = new

    def row(self, row: LedgerRow) -> None:
        """A row of the ledger: final once and for all."""
        before = self.decided.get(row.event_id)
        replays = self.replays.setdefault(row.event_id, set())
        if before is not None and before.is_final and row.replay_id in (None, *replays):
            self.wrong.append(
                f"once: {row.event_id} was {before.value} and became {row.outcome.value}"
            )
        self.decided[row.event_id] = row.outcome
        if row.outcome.is_final and row.replay_id is not None:
            replays.add(row.replay_id)
        for event in row.domain_events:
            known = self.told.get(event.id)
            # A stray intent's notice may come twice under its one id: consumers skip it.
            if known not in (None, event) and event.type != "payment.stray_intent":
                self.wrong.append(f"told: {event.id} was told in two ways")
            # A replay writes its row anew, with what the bus has not heard yet.
            is_other_row = known is not None and event.type not in self.told_by[row.event_id]
            if is_other_row and event.type != "payment.stray_intent":
                self.wrong.append(f"told: {event.id} was told by two ledger rows")
            self.told[event.id] = event
            self.told_by[row.event_id].append(event.type)

    def settled(self, row: LedgerRow) -> None:
        """Its marker was taken off: the bus must have heard all that the row tells."""
        if lacking := [event.id for event in row.domain_events if event.id not in self.heard]:
            self.wrong.append(f"bus: {row.event_id} lost its marker, and {lacking} are not told")


class RecordedOutbox(FakeOutbox):
    """The same for the outbox."""

    def __init__(self, tables: Tables, record: Record) -> None:
        super().__init__(tables)
        self._record = record

    def due(self, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `Outbox.due`; nearly always there is nothing, which one look shows."""
        rows = self.tables.rows.values()
        if any(row.domain_events and not row.is_published for row in rows):
            yield from super().due(before=before)

    def settle(self, row: LedgerRow) -> bool:
        """See `Outbox.settle`."""
        is_settled = super().settle(row)
        if is_settled:
            self._record.settled(self.tables.rows[row.event_id])
        return is_settled


class RecordedBooks(FakeBooks):
    """The contract-tested fake, with every write shown to the record and to the stream."""

    def __init__(self, tables: Tables, record: Record, changed: Changed) -> None:
        super().__init__(tables)
        self._record = record
        self.changed = changed

    def commit(self, entry: Any) -> None:
        """See `Books.commit`."""
        stored = {
            after.id: known.version
            for _, after in entry.changed
            if (known := self.tables.aggregate(after.id))
        }
        super().commit(entry)
        self._record.commit(entry.rows, entry.made, entry.changed, stored)
        for row in entry.rows:
            if row.domain_events:
                self.changed(row)

    def park(self, row: LedgerRow) -> Outcome | None:
        """See `Books.park`."""
        stands = super().park(row)
        if stands is None:
            self._record.row(row)
        return stands


class RecordedPayments(FakePaymentBooks):
    """The same for the API's books."""

    def __init__(self, tables: Tables, record: Record) -> None:
        super().__init__(tables)
        self._record = record

    def open(self, payment: Payment, *, claim_id: str) -> Payment:
        """See `PaymentBooks.open`."""
        is_new = payment.id not in self.tables.payments
        opened = super().open(payment, claim_id=claim_id)
        if is_new and opened is payment:
            self._record.state(payment.id, None, payment.version)
        return opened

    def save(self, before: Payment, after: Payment) -> None:
        """See `PaymentBooks.save`."""
        super().save(before, after)
        self._record.state(after.id, before.version, after.version, most=1)

    def note_try(self, payment: Payment, *, at: int) -> Payment:
        """See `PaymentBooks.note_try`."""
        noted = super().note_try(payment, at=at)
        self._record.state(payment.id, noted.version - 1, noted.version, most=1)
        return noted


class FakeStore:
    """State and ledger as the ports' fakes keep them."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.tables = Tables()
        self.changed: Changed = _nobody

    def ports(self, hazards: Hazards) -> tuple[Any, Any]:
        """The books of the worker and of the API, each call with its hazards."""
        books = RecordedBooks(self.tables, self._record, self._changed)
        payments = RecordedPayments(self.tables, self._record)
        return (
            Guarded(books, hazards, "read", "commit", "park"),
            Guarded(payments, hazards, "get", "open", "claimed_by", "save", "note_try"),
        )

    def _changed(self, row: LedgerRow) -> None:
        self.changed(row)

    def requests(self, hazards: Hazards) -> Any:
        """Requests for customers and subscriptions."""
        names = ("get", "holder_of", "open", "save")
        return Guarded(FakeRequestBooks(self.tables), hazards, *names)

    def outbox(self, hazards: Hazards) -> Any:
        """What is not published yet."""
        return Guarded(RecordedOutbox(self.tables, self._record), hazards, "settle", "due")

    def payments(self) -> dict[str, Payment]:
        """Every payment's row."""
        return self.tables.payments

    def others(self) -> dict[str, Any]:
        """Every row of another kind."""
        return self.tables.others

    def rows(self) -> dict[str, LedgerRow]:
        """Every row of the ledger."""
        return self.tables.rows

    def forget(self, event_ids: Iterable[str]) -> None:
        """Rows that have expired."""
        for event_id in event_ids:
            del self.tables.rows[event_id]


class DynamoDbStore:
    """State and ledger behind the real adapters, over a simulated client."""

    def __init__(self, record: Record, clock: Any) -> None:
        self._record = record
        self._clock = clock
        self._client = SimulatedDynamoDb(self._wrote)
        self.changed: Changed = _nobody

    def ports(self, hazards: Hazards) -> tuple[Any, Any]:
        """The real adapters; hazards befall each call of the client."""
        from paidonce.adapters.dynamodb_books import DynamoDbBooks  # noqa: PLC0415 - only here
        from paidonce.adapters.dynamodb_payments import DynamoDbPaymentBooks  # noqa: PLC0415

        client = self._guarded(hazards)
        books = DynamoDbBooks(
            client,
            payments_table="payments",
            events_table="events",
            ledger_days=LEDGER_DAYS,
            clock=self._clock,
        )
        return books, DynamoDbPaymentBooks(client, payments_table="payments", clock=self._clock)

    def _guarded(self, hazards: Hazards) -> Any:
        names = ("get_item", "put_item", "update_item", "transact_write_items", "query")
        return Guarded(self._client, hazards, "batch_get_item", *names)

    def requests(self, hazards: Hazards) -> Any:
        """Requests for customers and subscriptions."""
        from paidonce.adapters.dynamodb_requests import DynamoDbRequestBooks  # noqa: PLC0415

        return DynamoDbRequestBooks(self._guarded(hazards), payments_table="payments")

    def outbox(self, hazards: Hazards) -> Any:
        """What is not published yet."""
        from paidonce.adapters.dynamodb_outbox import DynamoDbOutbox  # noqa: PLC0415 - only here

        client = self._guarded(hazards)
        return DynamoDbOutbox(client, events_table="events", ledger_days=LEDGER_DAYS)

    def payments(self) -> dict[str, Payment]:
        """Every payment's row."""
        return {i: found for i, found in self._aggregates().items() if isinstance(found, Payment)}

    def others(self) -> dict[str, Any]:
        """Every row of another kind."""
        found = self._aggregates().items()
        return {i: row for i, row in found if not isinstance(row, Payment)}

    def _aggregates(self) -> dict[str, Any]:
        found = self._client.tables["payments"]
        return {i: aggregates.read(item) for i, item in found.items() if "version" in item}

    def rows(self) -> dict[str, LedgerRow]:
        """Every row of the ledger."""
        found = self._client.tables["events"]
        return {i: items.read_ledger_row(item) for i, item in found.items()}

    def forget(self, event_ids: Iterable[str]) -> None:
        """Rows that have expired."""
        for event_id in event_ids:
            del self._client.tables["events"][event_id]

    def _wrote(self, table: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> None:
        if table == "events":
            row = items.read_ledger_row(new)
            decision = ("outcome", "decided_at", "domain_events")
            if old is not None and all(old.get(name) == new.get(name) for name in decision):
                self._record.settled(row)
                return
            self._record.row(row)
            if row.todo and row.outcome.is_final:
                self.changed(new)
        elif "version" in new:
            version = int(old["version"]["N"]) if old else None
            self._record.state(new["id"]["S"], version, int(new["version"]["N"]))


class Guarded:
    """Some methods of a port or client, each call with its hazards."""

    def __init__(self, port: object, hazards: Hazards, *names: str) -> None:
        for name in names:
            setattr(self, name, hazards.guarded(name, getattr(port, name)))

    def __getattr__(self, name: str) -> Any:
        """Only for mypy and a clear error: what was not named has no hazards yet."""
        raise AttributeError(f"{name} is a call that the simulation does not know")
