"""Queue the cancel of an intent with our mark that is not its payment's: nobody may pay it."""

from dataclasses import dataclass

from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.operation import Operation
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import OperationQueue, Telemetry

# The rule's word in the ledger (rules/payment_intent.py).
_REASON = "stray_intent"


class StrayNotQueuedError(Exception):
    """The event is decided, but its intent's cancel could not be queued: the event comes again."""


@dataclass(frozen=True, kw_only=True)
class CancelStrays:
    """After the commit, and again with each repeat of the event: `run_operation` does it once."""

    operations: OperationQueue
    telemetry: Telemetry

    def __call__(self, row: LedgerRow | None, event: StripeEvent) -> bool:
        """See to the intent of this event, by its final ledger row; False when that failed."""
        if row is None or row.outcome is not Outcome.SUPERSEDED or row.reason != _REASON:
            return True
        if row.aggregate_id is None or event.object_id is None:
            return True
        operation = Operation(
            aggregate_id=row.aggregate_id,
            cancel_intent=event.object_id,
            correlation_id=row.correlation_id,
        )
        try:
            self.operations.put(operation)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event comes again
            self.telemetry.fault("stray not queued", error, event_id=row.event_id)
            return False
        self.telemetry.count("StraysQueued")
        return True
