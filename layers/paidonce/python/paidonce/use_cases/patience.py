"""What becomes of an event that cannot be decided now: it waits, fails for a time, or is dead.

Waiting uses up no tries of the queue: a copy is sent with a delay and the message is done. Only an
unexpected exception uses tries. Both leave a row in the ledger, so that nothing is ever nowhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from paidonce.domain.errors import NotYetKnown, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.moment import iso, seconds
from paidonce.domain.ownership import row_named_by
from paidonce.use_cases.ports import Books, Clock, Delivery, EventQueue, Telemetry

# SQS's own limit on DelaySeconds.
DELAY_SECONDS_MAX = 900


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long an event may wait and fail; every number is a key of stages.toml."""

    wait_delays_seconds: tuple[int, ...]
    not_yet_known_max_seconds: int
    try_again_max_seconds: int
    failing_delays_seconds: tuple[int, ...]
    tries_max: int


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Sends deliveries away. `jitter` gives numbers from 0 to 1. Every answer is: is it done?"""

    books: Books
    queue: EventQueue
    clock: Clock
    telemetry: Telemetry
    jitter: Callable[[], float]
    limits: Limits
    livemode: bool

    def wait(self, delivery: Delivery, error: TryAgain) -> bool:
        """Note `waiting`, send a copy for later; beyond its bound the event is dead."""
        since = self._waiting_since(delivery, error)
        if self._waited_too_long(delivery, error, since=since):
            return self._give_up(delivery, error)
        row = self._row(delivery, Outcome.WAITING, reason=error.code)
        if self._parked(row):
            return True
        attempt = int(delivery.attributes.get("wait_attempt", "0"))
        delays = self.limits.wait_delays_seconds
        delay = delays[min(attempt, len(delays) - 1)] * (0.8 + 0.4 * self.jitter())
        attributes = {
            **delivery.attributes,
            "wait_attempt": str(attempt + 1),
            "first_seen": iso(since),
            "wait_reason": error.code,
        }
        if not self._copied(
            delivery,
            delay_seconds=min(DELAY_SECONDS_MAX, max(1, round(delay))),
            attributes=attributes,
        ):
            return False
        self.telemetry.count("EventsWaiting")
        self._tell("event waits", delivery, reason=error.code, wait_attempt=attempt + 1)
        return True

    def give_back(self, delivery: Delivery) -> bool:
        """Too little time left to try: back into the queue as it came, and no row is written."""
        return self._copied(delivery, delay_seconds=0, attributes=delivery.attributes)

    def fail(self, delivery: Delivery, error: Exception) -> bool:
        """Note what failed and let the queue bring it again; done only if final meanwhile."""
        last = delivery.receive_count >= self.limits.tries_max
        outcome = Outcome.DEAD if last else Outcome.FAILING
        self.telemetry.count("DeadEvents" if last else "EventsFailing")
        self.telemetry.fault("event failed", error, **_ids(delivery))
        row = self._row(delivery, outcome, reason="failed", error=error)
        if self._parked(row):
            return True
        delays = self.limits.failing_delays_seconds
        # After its last try there is nothing to wait for: the queue moves it to the dead letters.
        pause = 0 if last else delays[min(delivery.receive_count, len(delays)) - 1]
        try:
            self.queue.hide(delivery, seconds=pause)
        except Exception as cause:  # noqa: BLE001 - it comes again all the same, only later
            self.telemetry.fault("message not hidden", cause, **_ids(delivery))
        return False

    def last_word(self, delivery: Delivery) -> bool:
        """Before the last try: `dead`, so that a worker killed in it has said so."""
        return self._parked(self._row(delivery, Outcome.DEAD, reason="last_try"))

    def _give_up(self, delivery: Delivery, error: TryAgain) -> bool:
        """The row first: a dead letter without one could not be explained, nor counted."""
        row = self._row(delivery, Outcome.DEAD, reason=error.code)
        try:
            standing = self.books.park(row) if row else None
            if standing is not None and standing.is_final and delivery.replay_id is None:
                return True
            self.queue.bury(delivery, reason=error.code)
        except Exception as cause:  # noqa: BLE001 - whatever it is, the message stays in its queue
            self.telemetry.fault("event not buried", cause, **_ids(delivery))
            return False
        self.telemetry.count("DeadEvents")
        self._tell("event is dead", delivery, reason=error.code)
        return True

    def _copied(
        self, delivery: Delivery, *, delay_seconds: int, attributes: Mapping[str, str]
    ) -> bool:
        """Send a copy; False, and the message stays in its queue, when that is not possible."""
        try:
            self.queue.send_copy(delivery, delay_seconds=delay_seconds, attributes=attributes)
        except Exception as cause:  # noqa: BLE001 - whatever it is, the message stays in its queue
            self.telemetry.fault("copy not sent", cause, **_ids(delivery))
            return False
        return True

    def _parked(self, row: LedgerRow | None) -> bool:
        """Write the row; True when a final one stands. One that cannot be written is no hurdle."""
        if row is None:
            return False
        try:
            standing = self.books.park(row)
        except TryAgain as error:
            self.telemetry.fault(
                "ledger row not written",
                error,
                event_id=row.event_id,
                correlation_id=row.correlation_id,
            )
            return False
        # A replay goes on where an ignored or foreign row stands; only its own decision ends it.
        return standing is not None and standing.is_final and row.replay_id is None

    def _waiting_since(self, delivery: Delivery, error: TryAgain) -> float:
        """Each kind of reason has its own bound, so a change of kind starts its clock anew."""
        came_for = delivery.attributes.get("wait_reason")
        first_seen = delivery.attributes.get("first_seen")
        same_kind = (came_for == NotYetKnown.code) is isinstance(error, NotYetKnown)
        return seconds(first_seen) if first_seen and same_kind else self.clock.now()

    def _waited_too_long(self, delivery: Delivery, error: TryAgain, *, since: float) -> bool:
        limits = self.limits
        known = isinstance(error, NotYetKnown)
        bound = limits.not_yet_known_max_seconds if known else limits.try_again_max_seconds
        now = self.clock.now()
        received_at = delivery.attributes.get("received_at")
        # Reasons that alternate must end too.
        whole = limits.not_yet_known_max_seconds + limits.try_again_max_seconds
        in_all = now - seconds(received_at) if received_at else 0
        waits = "first_seen" in delivery.attributes
        return now - since >= bound or (waits and in_all >= whole)

    def _row(
        self,
        delivery: Delivery,
        outcome: Outcome,
        *,
        reason: str,
        error: Exception | None = None,
    ) -> LedgerRow | None:
        if delivery.event_id is None:
            return None  # no message of ours: the dead letters alone will hold it
        event = delivery.event
        attributes = delivery.attributes
        return LedgerRow(
            event_id=delivery.event_id,
            event_type=event.type if event else attributes.get("event_type", "unknown"),
            outcome=outcome,
            reason=reason,
            livemode=event.livemode if event else self.livemode,
            created=event.created if event else None,
            received_at=attributes.get("received_at"),
            decided_at=iso(self.clock.now()),
            # Nobody has decided whose it is; who asks about the payment wants to see it anyway.
            aggregate_id=row_named_by(event.object) if event else None,
            attempts=delivery.receive_count + int(attributes.get("wait_attempt", "0")),
            error_class=type(error).__name__ if error else None,
            error_place=self.telemetry.place_of(error) if error else None,
            request_id=event.request_id if event else None,
            correlation_id=delivery.correlation_id,
            api_version=event.api_version if event else attributes.get("api_version"),
            replay_id=delivery.replay_id,
        )

    def _tell(self, message: str, delivery: Delivery, **words: str | float | None) -> None:
        self.telemetry.fact(message, **_ids(delivery), **words)


def _ids(delivery: Delivery) -> dict[str, str | None]:
    return {
        "event_id": delivery.event_id,
        "event_type": delivery.attributes.get("event_type"),
        "correlation_id": delivery.correlation_id,
        "message_id": delivery.message_id,
    }
