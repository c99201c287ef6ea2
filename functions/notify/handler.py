"""The entrance: domain events from the consumer's own queue in, those that must come again out."""

from collections.abc import Mapping
from typing import Any

from paidonce.use_cases.consume import Message

from notify import wiring


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler for an SQS event source that takes ReportBatchItemFailures.

    Shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    messages = [
        Message(message_id=record["messageId"], body=record["body"]) for record in event["Records"]
    ]
    with wiring.invocation(context) as consume:
        failed = consume(messages)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
