"""What the use cases ask of the world: each port has one adapter, one fake, one contract test."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.operation import Operation
from paidonce.domain.payment import Payment
from paidonce.domain.stripe_event import StripeEvent

# --- time -----------------------------------------------------------------------------------------


class Clock(Protocol):
    """Time, as an argument: whole runs are replayed in tests."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def pause(self, seconds: float) -> None:
        """Let that much time pass."""
        ...


class TimeLeft(Protocol):
    """How long there still is."""

    def __call__(self) -> float:
        """Seconds that the caller still has."""
        ...


# --- state and ledger -----------------------------------------------------------------------------


class AlreadyApplied(Exception):  # noqa: N818 - errors are facts
    """The ledger holds a final row of one of the events: a normal end, not a failure."""


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What one consistent read found; what is absent from a mapping is absent from the table."""

    rows: Mapping[str, LedgerRow]
    aggregates: Mapping[str, Aggregate]
    pointers: Mapping[str, str]

    @property
    def payments(self) -> Mapping[str, Payment]:
        """Those of the aggregates that are payments."""
        return {i: found for i, found in self.aggregates.items() if isinstance(found, Payment)}


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """`id` (`pi_…`, `ch_…`) leads to `aggregate_id`; `expires_at` (seconds) only for `foreign`."""

    id: str
    aggregate_id: str
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Commit:
    """All that one transaction writes, at most one action per item.

    `made`: put under absence. `changed`: (as read, as it shall be), put under `version = :read`.
    `checked`: rows that the decisions rest on, under `version = :read`. `pointers`: under absence
    or the same aggregate. `rows`: ledger rows under absence or an outcome that is not final; those
    of a replay over just the row that was read (`replayed`, by event id).
    `outdated`: names of catalogue entries, taken away under absence or being one. `claims`: an
    order's claim → the payment that takes it, unless somebody has it.
    """

    rows: Sequence[LedgerRow]
    made: Sequence[Aggregate] = ()
    changed: Sequence[tuple[Aggregate, Aggregate]] = ()
    checked: Sequence[Aggregate] = ()
    pointers: Sequence[Pointer] = ()
    outdated: Sequence[str] = ()
    claims: Mapping[str, str] = field(default_factory=dict)
    replayed: Mapping[str, LedgerRow | None] = field(default_factory=dict)


class Books(Protocol):
    """State and ledger, read and written together."""

    def read(
        self,
        *,
        event_ids: Collection[str],
        payment_ids: Collection[str],
        pointer_ids: Collection[str],
    ) -> Pages:
        """One consistent BatchGet, and a second for what is behind the pointers that were found.

        `payment_ids` may name rows of any kind.
        Raises TryAgain when DynamoDB is throttled or keys stay unprocessed: never absence.
        """
        ...

    def commit(self, entry: Commit) -> None:
        """Write all of it in one transaction, or nothing.

        Raises AlreadyApplied when a ledger condition failed (it goes before the others),
        ChangedMeanwhile for a state or pointer condition or a TransactionConflict, TryAgain when
        throttled.
        """
        ...

    def park(self, row: LedgerRow) -> Outcome | None:
        """Write a row that is `waiting`, `failing` or `dead`, unless a stronger one stands.

        `waiting` and `failing` over absence, `waiting`, `failing`; `dead` over the same and `dead`.
        Answers None when it was written, otherwise the outcome that stands.
        Raises TryAgain when throttled.
        """
        ...


class OrderTaken(Exception):  # noqa: N818 - errors are facts
    """The order's claim belongs to another payment that is not canceled."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.id)
        self.payment = payment


class PaymentBooks(Protocol):
    """Payments as the API opens and reads them."""

    def get(self, payment_id: str) -> Payment | None:
        """One consistent read; raises TryAgain when throttled."""
        ...

    def open(self, payment: Payment, *, claim_id: str) -> Payment:
        """Write the payment and its order's claim in one transaction.

        The payment must be absent (otherwise the row that stands is answered: a repeat), the claim
        absent, this payment's, or of a canceled payment (checked in the same transaction).
        Raises OrderTaken, TryAgain.
        """
        ...

    def claimed_by(self, claim_id: str) -> str | None:
        """The payment id that holds an order's claim."""
        ...

    def save(self, before: Payment, after: Payment) -> None:
        """Write a payment under `version = :read`; for notes of ours that no ledger row tells of.

        Raises ChangedMeanwhile, TryAgain.
        """
        ...

    def note_try(self, payment: Payment, *, at: int) -> Payment:
        """Before the call: write `last_tried_at` (`first_tried_at` once) under `attempt = :mine`.

        Raises ChangedMeanwhile when the attempt is another by now.
        """
        ...


class Counter(Protocol):
    """Things counted per minute or second in DynamoDB, each with a limit."""

    def take(self, key: str, *, limit: int, lasts_seconds: int) -> bool:
        """Count one under `key`; False when the limit was reached (nothing is counted then)."""
        ...


# --- queue ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message of the events queue.

    `event` is None when the message carries only an id; `event_id` is None when it is no message of
    ours. `reading` is the id of an object that shall be read at Stripe and decided as its events
    are; `event_id` is then the reading's own name in the ledger. `attributes` are those that the
    receiver gave, and `wait_attempt`, `first_seen` and `wait_reason` on a copy that waited.
    """

    message_id: str
    receipt_handle: str
    receive_count: int
    body: str
    attributes: Mapping[str, str]
    event_id: str | None
    event: StripeEvent | None = None
    reading: str | None = None

    @property
    def correlation_id(self) -> str | None:
        """What is on every line about it."""
        return self.attributes.get("correlation_id")

    @property
    def replay_id(self) -> str | None:
        """The operator's replay that sent it again."""
        return self.attributes.get("replay_id")

    @property
    def is_forced(self) -> bool:
        """A replay that decides anew also what was applied: by what Stripe shows now."""
        return self.replay_id is not None and self.attributes.get("replay_force") == "true"


class EventQueue(Protocol):
    """The events queue as the worker uses it, and its dead letters."""

    def send_copy(
        self, delivery: Delivery, *, delay_seconds: int, attributes: Mapping[str, str]
    ) -> None:
        """Send the same body with these attributes; any error passes through."""
        ...

    def bury(self, delivery: Delivery, *, reason: str) -> None:
        """Send the same body to the dead letters with attribute `reason`."""
        ...

    def hide(self, delivery: Delivery, *, seconds: int) -> None:
        """Let the message come back after so many seconds."""
        ...

    def delete(self, deliveries: Sequence[Delivery]) -> None:
        """Delete what is done, before something risky is tried."""
        ...


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A verified webhook on its way to the queue. `body` is the payload, or a reference by id."""

    body: str
    attributes: Mapping[str, str]


class LetterRefused(Exception):  # noqa: N818 - errors are facts
    """The queue will not take this body, whatever is tried (its size or its characters)."""


class Letterbox(Protocol):
    """The events queue as the receiver uses it."""

    def put(self, letter: Letter) -> None:
        """Returns only when the queue has the letter; raises LetterRefused, TryAgain."""
        ...


class OperationQueue(Protocol):
    """The operations queue as those use it who leave something to `run_operation`."""

    def put(self, operation: Operation) -> None:
        """Returns only when the queue has it; raises TryAgain, and errors of SQS untouched."""
        ...


# --- locks, telemetry ----------------------------------------------------------------------------


class Lease(Protocol):
    """A lock that saves double work and is never believed."""

    def hold(self, key: str, work: Callable[[], None]) -> bool:
        """Do the work under the lease; False when the lease says that it was done before.

        Raises TryAgain while somebody else holds it; errors of the work pass through and release.
        """
        ...


class Telemetry(Protocol):
    """Metrics and log lines: ids and words, never a payload, a secret or a message of Stripe's."""

    def count(self, metric: str, value: int = 1) -> None:
        """Add to a metric of this stage."""
        ...

    def alarm(self, metric: str) -> None:
        """Count one and write it at once, before what it is about: one too many does no harm."""
        ...

    def fact(self, message: str, **ids: str | float | None) -> None:
        """One line at info level."""
        ...

    def fault(self, message: str, error: BaseException, **ids: str | float | None) -> None:
        """One line at error level with the error's class and place, never its text."""
        ...

    def correlated(self, correlation_id: str | None) -> AbstractContextManager[None]:
        """Within the block this id is on every line, and the one before it again afterwards."""
        ...

    def place_of(self, error: BaseException) -> str | None:
        """`file:line` of the innermost frame of ours; never the text, which may show a payload."""
        ...
