"""The operations queue in SQS, as those use it who leave something to `run_operation`."""

from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking
from paidonce.adapters.sqs_queue import message_attributes
from paidonce.domain.moment import iso
from paidonce.domain.operation import Operation
from paidonce.use_cases.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsOperationQueue:
    """The port `OperationQueue`."""

    def __init__(self, client: "SQSClient", *, queue_url: str, clock: Clock) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock

    def put(self, operation: Operation) -> None:
        """See `OperationQueue.put`."""
        attributes = {
            "correlation_id": operation.correlation_id or "",
            "event_type": "operation",
            "received_at": iso(self._clock.now()),
        }
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=operation.message(),
                MessageAttributes=message_attributes(attributes),
            )
