"""The events queue in SQS, as the reconciler uses it."""

import json
from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking
from paidonce.adapters.sqs_queue import message_attributes
from paidonce.domain.moment import iso
from paidonce.use_cases.ports import Clock
from paidonce.use_cases.sweep_ports import ListedEvent

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsMissingEvents:
    """The port `MissingEvents`."""

    def __init__(self, client: "SQSClient", *, queue_url: str, clock: Clock) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock

    def queue(self, event: ListedEvent) -> None:
        """See `MissingEvents.queue`; attributes as the receiver gives them."""
        attributes = {
            "event_id": event.id,
            "event_type": event.type,
            "livemode": "true" if event.livemode else "false",
            "correlation_id": f"missing-{event.id}",
            "received_at": iso(self._clock.now()),
        }
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=json.dumps({"kind": "event", "schema": 1, "id": event.id}),
                MessageAttributes=message_attributes(attributes),
            )
