"""The events queue in SQS, for everybody but the receiver."""

from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking
from paidonce.adapters.sqs_queue import message_attributes
from paidonce.domain.moment import iso
from paidonce.use_cases.ports import Clock
from paidonce.use_cases.references import Reference

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsReferences:
    """The port `References`."""

    def __init__(self, client: "SQSClient", *, queue_url: str, clock: Clock) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock

    def send(self, reference: Reference) -> None:
        """See `References.send`."""
        attributes = {**reference.attributes, "received_at": iso(self._clock.now())}
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=reference.body,
                MessageAttributes=message_attributes(attributes),
            )
