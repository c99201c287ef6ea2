"""Apply a batch of Stripe's events: decide purely, commit as one, let the ledger judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paidonce.domain import versions
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.rulebook import FetchFirst, rule_for
from paidonce.use_cases.decide import Fold, is_done
from paidonce.use_cases.decide_alone import DecideAlone, UnreadableMessageError
from paidonce.use_cases.patience import Patience
from paidonce.use_cases.ports import (
    AlreadyApplied,
    Books,
    Clock,
    Delivery,
    EventQueue,
    Lease,
    Telemetry,
    TimeLeft,
)

# A conflict means that another worker has just written; after five the payment is too busy for now.
ROUNDS_MAX = 5
# The longest pause between two rounds: a transaction takes about 10 ms, a fetch 300 ms.
ROUND_PAUSE_SECONDS_MAX = 0.2
# From its third try on a message is suspected of killing its worker.
SUSPECT_FROM_TRY = 3

# What is final, by the names under which alarms and dashboards know it.
_COUNTED_AS = {
    Outcome.APPLIED: "EventsApplied",
    Outcome.UNCHANGED: "EventsUnchanged",
    Outcome.IGNORED: "EventsIgnored",
    Outcome.FOREIGN: "EventsForeign",
    Outcome.SUPERSEDED: "EventsSuperseded",
}


@dataclass(frozen=True, kw_only=True)
class ApplyEvent:
    """The worker. `seconds_for_two_calls`: with less time left, what remains goes back."""

    books: Books
    queue: EventQueue
    lease: Lease
    decide_alone: DecideAlone
    patience: Patience
    clock: Clock
    telemetry: Telemetry
    jitter: Callable[[], float]
    seconds_for_two_calls: float

    def __call__(self, deliveries: Sequence[Delivery], *, time_left: TimeLeft) -> set[str]:
        """Apply them; answers the message ids that are not done and must come again."""
        work = _collapsed(deliveries)
        first_tries = [d for d in work if d.receive_count == 1 and d.event and not d.replay_id]
        done, alone, failed = self._together(first_tries)
        later = [d for d in work if d not in first_tries]
        for delivery in alone + sorted(later, key=lambda d: d.receive_count):
            if delivery.receive_count >= SUSPECT_FROM_TRY and done:
                self._deleted(done)
                done = []
            enough = time_left() >= self.seconds_for_two_calls
            with self.telemetry.correlated(delivery.correlation_id):
                is_done = self._record(delivery) if enough else self.patience.give_back(delivery)
            (done if is_done else failed).append(delivery)
        return {d.message_id for d in failed}

    def _deleted(self, done: Sequence[Delivery]) -> None:
        """Before a suspect. Where it fails, the answer of the batch acknowledges them anyway."""
        try:
            self.queue.delete(done)
        except TryAgain as error:
            self.telemetry.fault("done messages not deleted", error, messages=len(done))

    def _together(
        self, deliveries: list[Delivery]
    ) -> tuple[list[Delivery], list[Delivery], list[Delivery]]:
        """First tries as one transaction; answers (done, to be tried alone, failed)."""
        if not deliveries:
            return [], [], []
        try:
            alone = self._commit_as_one(deliveries)
        except (AlreadyApplied, ChangedMeanwhile):
            return [], deliveries, []
        except TryAgain as error:
            done = [d for d in deliveries if self.patience.wait(d, error)]
        except Exception as error:  # noqa: BLE001 - the batch's edge (house.md section 5)
            done = [d for d in deliveries if self.patience.fail(d, error)]
        else:
            return [d for d in deliveries if d not in alone], alone, []
        return done, [], [d for d in deliveries if d not in done]

    def _commit_as_one(self, deliveries: list[Delivery]) -> list[Delivery]:
        events = [d.event for d in deliveries if d.event]
        fold = self.decide_alone.opened(events)
        alone = []
        for delivery, event in zip(deliveries, events, strict=True):
            if fold.is_done(delivery):
                with self.telemetry.correlated(delivery.correlation_id):
                    self._tell_repeat(event.id)
                continue
            try:
                fetch = fold.add(delivery, event)
            except Exception:  # noqa: BLE001 - it will raise again alone, at its own record's edge
                fetch = FetchFirst(event.id)
            if fetch:
                alone.append(delivery)
        self._commit(fold)
        return alone

    def _record(self, delivery: Delivery) -> bool:
        """One delivery at its own edge: is it done?"""
        try:
            if delivery.receive_count >= self.patience.limits.tries_max and (
                self.patience.last_word(delivery)
            ):
                return True
            self._alone(delivery)
        except TryAgain as error:
            return self.patience.wait(delivery, error)
        except Exception as error:  # noqa: BLE001 - the record's edge (house.md section 5)
            return self.patience.fail(delivery, error)
        return True

    def _alone(self, delivery: Delivery) -> None:
        event_id = delivery.event_id
        if event_id is None:
            raise UnreadableMessageError(delivery.message_id)
        key = f"{event_id}#{delivery.replay_id}" if delivery.replay_id else event_id
        if self.lease.hold(key, lambda: self._settle(delivery, event_id)):
            return
        # The lease remembers that it was done. It is never believed: the ledger must say so.
        if not self._is_done(delivery):
            raise TryAgain(f"{event_id} has a lease that ended and no final row")
        self._tell_repeat(event_id)

    def _settle(self, delivery: Delivery, event_id: str) -> None:
        event = delivery.event
        for _ in range(ROUNDS_MAX):
            if event is None:
                if self._is_done(delivery):
                    return self._tell_repeat(event_id)
                event = self.decide_alone.event_of(delivery)
            fold = self.decide_alone(delivery, event)
            if fold.is_done(delivery):
                return self._tell_repeat(event_id)
            try:
                return self._commit(fold)
            except AlreadyApplied:
                return self._tell_repeat(event_id)
            except ChangedMeanwhile:
                self.clock.pause(ROUND_PAUSE_SECONDS_MAX * self.jitter())
        raise ChangedMeanwhile(f"{event_id} met {ROUNDS_MAX} conflicts")

    def _is_done(self, delivery: Delivery) -> bool:
        event_ids = [delivery.event_id] if delivery.event_id else []
        pages = self.books.read(event_ids=event_ids, payment_ids=[], pointer_ids=[])
        return is_done(pages, delivery)

    def _commit(self, fold: Fold) -> None:
        if not fold.rows:
            return
        for alarm in fold.alarms:
            # Before the commit: once its row is final, nobody decides this event again.
            self.telemetry.alarm(alarm)
        self.books.commit(fold.entry())
        for row in fold.rows:
            self.telemetry.count(_COUNTED_AS[row.outcome])
            if not versions.is_known(row.api_version):
                # Decided all the same: its shape was read as ours.
                self.telemetry.count("UnknownApiVersion")
            self._count_foreign(row)
            self.telemetry.fact(
                "event decided",
                event_id=row.event_id,
                event_type=row.event_type,
                outcome=row.outcome.value,
                reason=row.reason,
                aggregate_id=row.aggregate_id,
                api_version=row.api_version,
                correlation_id=row.correlation_id,
                stripe_request_id=row.request_id,
            )

    def _count_foreign(self, row: LedgerRow) -> None:
        """Somebody may have to know of what is nobody's of ours: a dispute costs the account."""
        rule = rule_for(row.event_type)
        if row.outcome is Outcome.FOREIGN and rule and rule.counts_foreign:
            self.telemetry.count(rule.counts_foreign)

    def _tell_repeat(self, event_id: str) -> None:
        self.telemetry.count("EventsRepeated")
        self.telemetry.fact("event was decided before", event_id=event_id)


def _collapsed(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """One delivery per event: its copies in this batch are done, since it is or stays queued.

    The one with the payload goes before one with the id alone, and a first try before a later one.
    """
    best: dict[tuple[str, str | None], Delivery] = {}
    for delivery in deliveries:
        # A replay decides anew what another delivery of the event only finds decided.
        key = (delivery.event_id or delivery.message_id, delivery.replay_id)
        held = best.get(key)
        if held is None or _preference(delivery) < _preference(held):
            best[key] = delivery
    return list(best.values())


def _preference(delivery: Delivery) -> tuple[bool, int]:
    return (delivery.event is None, delivery.receive_count)
