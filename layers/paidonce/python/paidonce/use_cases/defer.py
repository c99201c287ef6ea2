"""Leave a call whose outcome is not known to `run_operation`."""

from dataclasses import dataclass

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import OutcomeUnknown
from paidonce.domain.operation import Operation
from paidonce.domain.payment import Payment
from paidonce.use_cases.ports import OperationQueue, Telemetry


@dataclass(frozen=True, kw_only=True)
class Defer:
    """Says that a call has no outcome yet, and puts it where it will get one."""

    operations: OperationQueue
    telemetry: Telemetry

    def __call__(
        self,
        aggregate: Aggregate,
        idempotency_key: str,
        error: OutcomeUnknown,
        *,
        correlation_id: str,
    ) -> None:
        """Returns once the operation is queued; the caller is answered 202.

        Raises OutcomeUnknown where not even the queue is sure: the caller must ask again, and finds
        the row.
        """
        is_payment = isinstance(aggregate, Payment)
        ids = {
            "payment_id" if is_payment else "aggregate_id": aggregate.id,
            "idempotency_key": idempotency_key,
            "correlation_id": correlation_id,
        }
        self.telemetry.count("PaymentsOutcomeUnknown" if is_payment else "RequestsOutcomeUnknown")
        self.telemetry.fault("outcome unknown", error, **ids)
        operation = Operation(
            aggregate_id=aggregate.id, call=idempotency_key, correlation_id=correlation_id
        )
        try:
            self.operations.put(operation)
        except Exception as failure:
            self.telemetry.fault("operation not queued", failure, **ids)
            raise OutcomeUnknown("neither the outcome nor the queue is sure") from failure
