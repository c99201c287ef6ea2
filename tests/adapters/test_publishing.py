"""The bus and the outbox: one contract each for the fake, for moto and for the local cloud."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from paidonce.adapters.dynamodb_books import DynamoDbBooks
from paidonce.adapters.dynamodb_outbox import DynamoDbOutbox
from paidonce.adapters.eventbridge import EventBridgeBus
from paidonce.domain.announcement import Announcement, announcements_of
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import LedgerRow
from paidonce.use_cases.outbox import EventBus, Outbox
from paidonce.use_cases.ports import Books, Commit

from tests.a_change import a_domain_event, a_told_row
from tests.adapters.canned import Canned, CannedServer, canned_server
from tests.adapters.places import Place
from tests.examples import STAGE
from tests.fakes import FakeBooks, FakeClock, Tables
from tests.fakes_publishing import FakeEventBus, FakeOutbox

LEDGER_DAYS = 90
LATER = "2026-09-22T00:00:00.000Z"


def announced(count: int, *, size: int = 0) -> list[Announcement]:
    """So many domain events, each with about so many bytes."""
    events = [
        a_domain_event(id=f"pay_1.{n}.payment.paid", object={"id": "pay_1", "x": "x" * size})
        for n in range(count)
    ]
    return list(announcements_of(a_told_row(*events), STAGE))


# --- the bus --------------------------------------------------------------------------------------


@dataclass
class Heard:
    """A bus, and what a rule on it has heard."""

    bus: EventBus
    heard: Callable[[int], list[Announcement]]


def heard_on(place: Place | None) -> Heard:
    if place is None:
        fake = FakeEventBus()
        return Heard(fake, lambda _count: list(fake.told))
    events, sqs, url = place.client("events"), place.client("sqs"), place.queue()
    name = f"contract-{uuid.uuid4().hex[:12]}"
    events.create_event_bus(Name=name)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(
        Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["paidonce.test"]})
    )
    events.put_targets(
        Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}]
    )

    def heard(count: int) -> list[Announcement]:
        found: list[Announcement] = []
        for _ in range(20):
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            found += [Announcement.parse(m["Body"]) for m in answer.get("Messages", [])]
            if len(found) >= count:
                break
        return found

    return Heard(EventBridgeBus(events, bus_name=name, clock=FakeClock()), heard)


def test_a_rule_hears_of_each_event_exactly_what_was_told(place: Place | None) -> None:
    bench = heard_on(place)
    told = announced(23)
    assert bench.bus.put(told) == {}
    heard = bench.heard(len(told))
    assert sorted(heard, key=lambda one: one.id) == sorted(told, key=lambda one: one.id)


def test_nothing_to_tell_asks_nobody(place: Place | None) -> None:
    assert heard_on(place).bus.put([]) == {}


@pytest.fixture
def server() -> Iterator[CannedServer]:
    with canned_server() as running:
        yield running


def bus_at(server: CannedServer, clock: FakeClock | None = None) -> EventBridgeBus:
    client = boto3.client(
        "events",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return EventBridgeBus(client, bus_name="paidonce-test-changes", clock=clock or FakeClock())


def taken(*codes: str | None) -> Canned:
    entries = [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes]
    return Canned(200, {"FailedEntryCount": sum(map(bool, codes)), "Entries": entries})


def entries_of(server: CannedServer) -> list[list[dict[str, Any]]]:
    return [json.loads(asked.body)["Entries"] for asked in server.asked]


def test_an_entry_that_was_refused_for_a_passing_reason_is_put_again_alone(
    server: CannedServer,
) -> None:
    clock = FakeClock()
    server.answers = [taken(None, "ThrottlingException", None), taken(None)]
    assert bus_at(server, clock).put(announced(3)) == {}
    first, second = entries_of(server)
    assert (len(first), second) == (3, first[1:2])
    assert len(clock.pauses) == 1


def test_what_stays_refused_is_answered_with_its_code(server: CannedServer) -> None:
    server.answers = [
        taken("InternalFailure", "MalformedDetail", None),
        taken("InternalFailure"),
    ]
    assert bus_at(server).put(announced(3)) == {
        "pay_1.0.payment.paid": "InternalFailure",
        "pay_1.1.payment.paid": "MalformedDetail",
    }
    assert [len(entries) for entries in entries_of(server)] == [3, 1, 1]


def test_one_call_takes_ten_entries_and_a_quarter_of_a_mebibyte(server: CannedServer) -> None:
    server.answers = [taken(*[None] * 10), taken(*[None] * 2)]
    bus_at(server).put(announced(12))
    server.answers += [taken(None, None), taken(None), taken(None)]
    bus_at(server).put(announced(3, size=100_000))
    calls = entries_of(server)
    assert [len(entries) for entries in calls] == [10, 2, 2, 1]
    assert all(sum(len(e["Detail"]) for e in entries) <= 256 * 1024 for entries in calls)
    assert {(e["EventBusName"], e["Source"]) for entries in calls for e in entries} == {
        ("paidonce-test-changes", "paidonce.test")
    }


@pytest.mark.parametrize(
    "answer", [Canned(500, {}), Canned(400, {"__type": "ThrottlingException"}), Canned(closes=True)]
)
def test_a_bus_that_does_not_answer_is_try_again(server: CannedServer, answer: Canned) -> None:
    server.answers = [answer]
    with pytest.raises(TryAgain):
        bus_at(server).put(announced(1))


# --- the outbox -----------------------------------------------------------------------------------


@dataclass
class Ledger:
    """Books that write rows, the outbox over them, and how an item looks."""

    books: Books
    outbox: Outbox
    item: Callable[[str], dict[str, Any]]

    def decide(self, *rows: LedgerRow) -> None:
        for row in rows:
            self.books.commit(Commit(rows=[row]))

    def due(self, before: str = LATER) -> list[str]:
        return sorted(row.event_id for page in self.outbox.due(before=before) for row in page)


@pytest.fixture
def ledger(place: Place | None) -> Ledger:
    if place is None:
        tables = Tables()
        return Ledger(FakeBooks(tables), FakeOutbox(tables), lambda _: {})
    client, name = place.client("dynamodb"), place.ledger()
    books = DynamoDbBooks(
        client,
        payments_table=place.table("id"),
        events_table=name,
        ledger_days=LEDGER_DAYS,
        clock=FakeClock(),
    )

    def item(event_id: str) -> dict[str, Any]:
        found = client.get_item(TableName=name, Key={"event_id": {"S": event_id}})
        return dict(found.get("Item", {}))

    outbox = DynamoDbOutbox(client, events_table=name, ledger_days=LEDGER_DAYS)
    return Ledger(books, outbox, item)


def stored(ledger: Ledger, event_id: str) -> LedgerRow:
    pages = ledger.books.read(event_ids=[event_id], payment_ids=[], pointer_ids=[])
    return pages.rows[event_id]


def test_a_settled_row_is_due_no_more_and_expires(ledger: Ledger, place: Place | None) -> None:
    row = a_told_row()
    ledger.decide(row)
    assert ledger.due() == ["evt_1"]
    assert ledger.outbox.settle(row)
    assert ledger.due() == []
    assert stored(ledger, "evt_1") == replace(row, is_published=True)
    if place is not None:
        item = ledger.item("evt_1")
        assert not {"todo", "touched_at"} & item.keys()
        # 90 days after it was decided.
        assert item["expires_at"] == {"N": str(1_790_000_001 + 90 * 86_400)}


def test_a_row_is_settled_once_and_only_as_it_was_seen(ledger: Ledger) -> None:
    row = a_told_row()
    ledger.decide(row)
    assert not ledger.outbox.settle(replace(row, decided_at="2026-09-21T14:13:20.999Z"))
    assert ledger.due() == ["evt_1"]
    assert ledger.outbox.settle(row)
    assert not ledger.outbox.settle(row)


def test_a_row_that_is_gone_is_not_made_anew(ledger: Ledger) -> None:
    assert not ledger.outbox.settle(a_told_row(event_id="evt_gone"))
    assert ledger.due() == []


def test_every_partition_is_looked_at_and_what_is_fresh_left_alone(ledger: Ledger) -> None:
    rows = [a_told_row(event_id=f"evt_{n:02}") for n in range(60)]
    assert len({row.todo for row in rows}) == 16
    fresh = a_told_row(event_id="evt_fresh", decided_at=LATER)
    quiet = replace(a_told_row(event_id="evt_quiet"), domain_events=())
    ledger.decide(*rows, fresh, quiet)
    assert ledger.due() == [row.event_id for row in rows]
