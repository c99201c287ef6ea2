"""The entrance: messages of the operations queue in, those that must come again out."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.ledger import answer_id
from paidonce.domain.operation import Operation
from paidonce.use_cases.ports import Delivery

from run_operation import wiring

# What the last notes of an operation take; the rest of Lambda's time is its calls'.
_LAST_SECONDS = 1.0


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler for an SQS event source that takes ReportBatchItemFailures.

    Shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    with wiring.invocation(context) as run_operation:
        failed = run_operation(
            [_delivery(record) for record in event["Records"]],
            time_left=lambda: context.get_remaining_time_in_millis() / 1000 - _LAST_SECONDS,
        )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    """An operation is named as its ledger row is: by its call's idempotency key."""
    operation = Operation.parse(record["body"])
    attributes = {
        name: value["stringValue"]
        for name, value in record["messageAttributes"].items()
        if value.get("stringValue")
    }
    if operation and operation.correlation_id:
        # A domain event, which the bus itself has sent: it says so in its body.
        attributes["correlation_id"] = operation.correlation_id
    return Delivery(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
        body=record["body"],
        attributes=attributes,
        event_id=answer_id(operation.idempotency_key) if operation else None,
    )
