"""Verify that our books say what Stripe says: events against the ledger, objects against rows.

Nothing is written. What a worker is about to decide would look like drift, so whatever differs is
looked at again some seconds later, and counts only if it still does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from paidonce.domain import drift
from paidonce.domain.drift import Drift
from paidonce.domain.ledger import Outcome
from paidonce.domain.ownership import FOREIGN, Mark, Owner, Stage, owner_of_object
from paidonce.domain.payment import Payment
from paidonce.domain.subscription import Subscription
from paidonce.use_cases.ports import Books, Clock, Pages, TimeLeft
from paidonce.use_cases.stripe_ports import StripeGateway

# https://docs.stripe.com/api/events/list: "up to 20 event names".
_TYPES_MAX = 20
# What one BatchGet takes, and one page of Stripe's lists.
_BATCH = 100
_OBJECTS: Mapping[str, Mapping[str, Any]] = {
    "payment_intent": {"expand": ["data.latest_charge"]},
    "refund": {},
    "dispute": {},
    # Without it those that have ended are left out: https://docs.stripe.com/api/subscriptions/list
    "subscription": {"status": "all"},
}

T = TypeVar("T")
Progress = Callable[[str, int], None]
_Object = Mapping[str, Any]


@dataclass
class Report:
    """What was looked at, by kind, and what differs.

    `money`: (UTC day, currency, `captured`, `refunded` or `disputed`) → [ours, Stripe's], in minor
    units, of the objects that were made at Stripe on that day.
    """

    looked_at: Counter[str] = field(default_factory=Counter)
    drifts: list[Drift] = field(default_factory=list)
    money: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def add_money(self, found: _Object, name: str, *, ours: int, stripes: int) -> None:
        """Count an amount under the day of the object that it belongs to."""
        day = datetime.fromtimestamp(found["created"], tz=UTC).date().isoformat()
        sums = self.money.setdefault((day, found["currency"], name), [0, 0])
        sums[0] += ours
        sums[1] += stripes


@dataclass(frozen=True, kw_only=True)
class Verify:
    """The verb behind `paidonce verify`, and the reconciler's comparison.

    `settle_seconds`: how long what differs may still be on its way.
    """

    books: Books
    gateway: StripeGateway
    clock: Clock
    stage: Stage
    event_types: Sequence[str]
    settle_seconds: float
    tell: Progress = lambda _what, _count: None

    def __call__(self, *, since: int, until: int, time_left: TimeLeft) -> Report:
        """Everything that Stripe made in these seconds, both included.

        Raises TryAgain, KeyRefused, NotConfigured: what was not looked at is never called right.
        """
        report = Report()
        suspects: dict[tuple[str, str], _Object] = {}
        for kind, found in self._made(since, until, time_left):
            for batch in _in_batches(found, _BATCH):
                self.tell(kind, len(batch))
                report.looked_at[kind] += len(batch)
                differing = self._differing(kind, batch, report)
                suspects |= {(kind, one["id"]): one for one in differing}
        if suspects:
            self.clock.pause(self.settle_seconds)
        for (kind, object_id), listed in suspects.items():
            report.drifts += self._drifts_now(kind, object_id, listed, time_left)
        return report

    def _made(
        self, since: int, until: int, time_left: TimeLeft
    ) -> Iterator[tuple[str, Iterator[_Object]]]:
        """Each list of Stripe's: events in groups of types, then objects."""
        for group in _in_batches(iter(sorted(self.event_types)), _TYPES_MAX):
            types = {"types": list(group)}
            yield "event", self._listed("event", since, until, time_left, types)
        for kind, only in _OBJECTS.items():
            yield kind, self._listed(kind, since, until, time_left, only)

    def _listed(
        self, kind: str, since: int, until: int, time_left: TimeLeft, only: _Object
    ) -> Iterator[_Object]:
        return iter(
            self.gateway.listed(
                kind, created_from=since, created_to=until, time_left=time_left, only=only
            )
        )

    def _differing(self, kind: str, batch: Sequence[_Object], report: Report) -> list[_Object]:
        pages, owners = self._read(kind, batch)
        differing = []
        for one in batch:
            payment = _row(pages, owners[one["id"]])
            if kind != "event" and isinstance(payment, Payment):
                _count_money(kind, payment, one, report)
            if self._compared(kind, one, pages, owners[one["id"]]):
                differing.append(one)
        return differing

    def _drifts_now(
        self, kind: str, object_id: str, listed: _Object, time_left: TimeLeft
    ) -> list[Drift]:
        """Read again, the row after the object: a webhook may have come in between."""
        now = listed
        if kind != "event":
            expand = ("latest_charge",) if kind == "payment_intent" else ()
            now = self.gateway.get(kind, object_id, time_left=time_left, expand=expand).seen.object
        pages, owners = self._read(kind, [now])
        return self._compared(kind, now, pages, owners[object_id])

    def _read(self, kind: str, batch: Sequence[_Object]) -> tuple[Pages, dict[str, Owner]]:
        owners = {one["id"]: owner_of_object(one, self.stage) for one in batch}
        if kind == "event":
            pages = self.books.read(event_ids=list(owners), payment_ids=[], pointer_ids=[])
            return pages, owners
        row_ids = {owner.aggregate_id for owner in owners.values() if owner.aggregate_id}
        pointer_ids = {i for owner in owners.values() for i in owner.pointer_ids}
        if kind == "subscription":
            row_ids, pointer_ids = set(owners), set()
        pages = self.books.read(event_ids=[], payment_ids=row_ids, pointer_ids=pointer_ids)
        return pages, owners

    def _compared(self, kind: str, found: _Object, pages: Pages, owner: Owner) -> list[Drift]:
        if kind == "event":
            return _of_event(found, pages)
        if owner.mark is Mark.FOREIGN or found.get("livemode", False) is not self.stage.livemode:
            return []
        if kind == "subscription":
            return self._of_subscription(found, pages, owner)
        payment_id = _payment_id(pages, owner)
        return _of_payment(kind, found, pages, payment_id) if payment_id else []

    def _of_subscription(self, found: _Object, pages: Pages, owner: Owner) -> list[Drift]:
        known = pages.aggregates.get(found["id"])
        if known is None and owner.mark is not Mark.OURS and not self.stage.adopt:
            return []
        return drift.of_subscription(known if isinstance(known, Subscription) else None, found)


def _of_payment(kind: str, found: _Object, pages: Pages, payment_id: str) -> list[Drift]:
    payment = pages.payments.get(payment_id)
    if kind == "payment_intent":
        return drift.of_intent(payment, payment_id, found)
    if payment is None:
        # Its intent says so.
        return []
    return (drift.of_refund if kind == "refund" else drift.of_dispute)(payment, found)


def _of_event(event: _Object, pages: Pages) -> list[Drift]:
    """Every event has a final row; one that waits longer than what differs may take is no such."""
    row = pages.rows.get(event["id"])
    if row is not None and row.outcome.is_final:
        return []
    return [
        Drift(
            object_id=event["id"],
            aggregate_id=row.aggregate_id if row else None,
            field="ledger",
            ours=_said(row.outcome, row.reason) if row else None,
            stripes=event["type"],
        )
    ]


def _said(outcome: Outcome, reason: str | None) -> str:
    return f"{outcome.value} ({reason})" if reason else outcome.value


def _payment_id(pages: Pages, owner: Owner) -> str | None:
    if owner.aggregate_id is not None:
        return owner.aggregate_id
    pointed = (pages.pointers.get(i) for i in owner.pointer_ids)
    return next((i for i in pointed if i not in (None, FOREIGN)), None)


def _row(pages: Pages, owner: Owner) -> Payment | None:
    payment_id = _payment_id(pages, owner)
    return pages.payments.get(payment_id) if payment_id else None


def _count_money(kind: str, payment: Payment, found: _Object, report: Report) -> None:
    if kind == "payment_intent":
        is_ours = payment.payment_intent_id == found["id"]
        report.add_money(
            found,
            "captured",
            ours=payment.amount_captured_minor if is_ours else 0,
            stripes=found["amount_received"],
        )
    elif kind == "refund":
        refund = payment.refund(found["id"])
        stands = found.get("status") not in ("failed", "canceled")
        report.add_money(
            found,
            "refunded",
            ours=refund.amount_minor if refund and refund.status.stands else 0,
            stripes=found["amount"] if stands else 0,
        )
    elif kind == "dispute":
        dispute = payment.dispute(found["id"])
        report.add_money(
            found,
            "disputed",
            ours=dispute.amount_minor if dispute else 0,
            stripes=found["amount"],
        )


def _in_batches(found: Iterator[T], size: int) -> Iterator[list[T]]:
    """Itertools has it from Python 3.12 on."""
    while batch := list(islice(found, size)):
        yield batch
