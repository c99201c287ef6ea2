"""The worker's entrance: a batch of the events queue in, the messages that must come again out."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from paidonce.domain.errors import InvalidRequest
from paidonce.domain.reading import Reading
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
    found = _found(record)
    return Delivery(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
        body=record["body"],
        attributes=attributes,
        event_id=found.event_id,
        event=found.event,
        reading=found.reading,
    )


class _Found(NamedTuple):
    """What a body holds; nothing of it: no message of ours."""

    event_id: str | None = None
    event: StripeEvent | None = None
    reading: str | None = None


def _found(record: Mapping[str, Any]) -> _Found:
    """The event, its id where the body carries no more, or what is to be read at Stripe.

    Not dropped where it is no message of ours: without an id it fails at its record's edge, tries,
    and is a dead letter.
    """
    try:
        document = json.loads(record["body"])
        kind = document.get("kind") if isinstance(document, Mapping) else None
        if kind == "event":
            return _Found(event_id=str(document["id"]))
        if kind == "read":
            sent_at = int(record["attributes"]["SentTimestamp"]) // 1000
            reading = Reading.of_message(document, sent_at=sent_at)
            return _Found(event_id=reading.name, reading=reading.object_id) if reading else _Found()
        event = StripeEvent.from_document(document)
    except (ValueError, RecursionError, KeyError, InvalidRequest):
        return _Found()
    return _Found(event_id=event.id, event=event)
