"""The worker's entrance: a batch of the events queue in, the messages that must come again out."""

import json
from collections.abc import Mapping
from typing import Any

from paidonce.domain.errors import InvalidRequest
from paidonce.domain.stripe_event import StripeEvent
from paidonce.use_cases.ports import Delivery

from apply_event import wiring


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler for an SQS event source that takes ReportBatchItemFailures.

    Shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    with wiring.invocation(context) as apply_event:
        failed = apply_event(
            [_delivery(record) for record in event["Records"]],
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    attributes = {
        name: value["stringValue"]
        for name, value in record["messageAttributes"].items()
        if value.get("stringValue")
    }
    found = _event(record["body"])
    return Delivery(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
        body=record["body"],
        attributes=attributes,
        event_id=found.id if isinstance(found, StripeEvent) else found,
        event=found if isinstance(found, StripeEvent) else None,
    )


def _event(body: str) -> StripeEvent | str | None:
    """The event, its id where the message carries no more, or None: no message of ours."""
    try:
        document = json.loads(body)
        if isinstance(document, Mapping) and document.get("kind") == "event":
            return str(document["id"])
        return StripeEvent.from_document(document)
    except (ValueError, RecursionError, KeyError, InvalidRequest):
        # Not dropped: without an id it fails at its record's edge, tries, and is a dead letter.
        return None
