"""The events queue in SQS, as the receiver and the worker use it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from paidonce.adapters.aws import asking, code_of
from paidonce.domain.errors import TryAgain
from paidonce.use_cases.ports import Delivery, Letter, LetterRefused

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

# SQS: SendMessage's errors for a body that is too long or holds characters it does not take.
_REFUSED = frozenset({"InvalidMessageContents", "InvalidParameterValue", "BatchRequestTooLong"})
# SQS: DeleteMessageBatch takes ten entries.
_BATCH_MAX = 10


class SqsLetterbox:
    """The port `Letterbox`."""

    def __init__(self, client: "SQSClient", *, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, letter: Letter) -> None:
        """See `Letterbox.put`; errors of another kind pass through untouched."""
        with asking("SQS"):
            try:
                self._client.send_message(
                    QueueUrl=self._queue_url,
                    MessageBody=letter.body,
                    MessageAttributes=message_attributes(letter.attributes),
                )
            except ClientError as error:
                if code_of(error) in _REFUSED:
                    raise LetterRefused(code_of(error)) from error
                raise


class SqsEventQueue:
    """The port `EventQueue`."""

    def __init__(self, client: "SQSClient", *, queue_url: str, dead_letter_queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url

    def send_copy(
        self, delivery: Delivery, *, delay_seconds: int, attributes: Mapping[str, str]
    ) -> None:
        """See `EventQueue.send_copy`."""
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=delivery.body,
                MessageAttributes=message_attributes(attributes),
                DelaySeconds=delay_seconds,
            )

    def bury(self, delivery: Delivery, *, reason: str) -> None:
        """See `EventQueue.bury`; `reason` takes the place of `wait_attempt`: SQS takes ten."""
        kept = {k: v for k, v in delivery.attributes.items() if k != "wait_attempt"}
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._dead_letter_queue_url,
                MessageBody=delivery.body,
                MessageAttributes=message_attributes({**kept, "reason": reason}),
            )

    def hide(self, delivery: Delivery, *, seconds: int) -> None:
        """See `EventQueue.hide`."""
        with asking("SQS"):
            self._client.change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=delivery.receipt_handle,
                VisibilityTimeout=seconds,
            )

    def delete(self, deliveries: Sequence[Delivery]) -> None:
        """See `EventQueue.delete`; raises TryAgain when some were not deleted."""
        for batch in _in_batches(deliveries):
            with asking("SQS"):
                answer = self._client.delete_message_batch(
                    QueueUrl=self._queue_url,
                    Entries=[
                        {"Id": str(n), "ReceiptHandle": delivery.receipt_handle}
                        for n, delivery in enumerate(batch)
                    ],
                )
            if answer.get("Failed"):
                raise TryAgain(f"{len(answer['Failed'])} messages were not deleted")


def message_attributes(attributes: Mapping[str, str]) -> "dict[str, MessageAttributeValueTypeDef]":
    """SQS refuses an empty attribute, so what is empty is left out."""
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in attributes.items()
        if value
    }


def _in_batches(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    for start in range(0, len(deliveries), _BATCH_MAX):
        yield deliveries[start : start + _BATCH_MAX]
