"""A queue's dead letters in SQS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking
from paidonce.adapters.sqs_queue import message_attributes
from paidonce.domain.moment import iso
from paidonce.use_cases.dead_letter_port import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# ReceiveMessage's own limit.
_BATCH_MAX = 10
# Long enough to read a few thousand; what is left hidden after a crash shows itself again.
HIDDEN_SECONDS = 300
# SQS answers from a part of its servers: a long poll asks them all, a second empty answer is sure.
WAIT_SECONDS = 1
_EMPTY_ANSWERS = 2


class SqsDeadLetters:
    """The port `DeadLetters`."""

    def __init__(
        self,
        client: "SQSClient",
        *,
        dead_letter_queue_url: str,
        queue_url: str,
        wait_seconds: int = WAIT_SECONDS,
    ) -> None:
        self._client = client
        self._dead_letter_queue_url = dead_letter_queue_url
        self._queue_url = queue_url
        self._wait_seconds = wait_seconds

    def look(self) -> Iterator[DeadLetter]:
        """See `DeadLetters.look`."""
        seen: set[str] = set()
        empty = 0
        while empty < _EMPTY_ANSWERS:
            with asking("SQS"):
                answer = self._client.receive_message(
                    QueueUrl=self._dead_letter_queue_url,
                    MaxNumberOfMessages=_BATCH_MAX,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=self._wait_seconds,
                    MessageSystemAttributeNames=["SentTimestamp"],
                    MessageAttributeNames=["All"],
                )
            new = [_letter(m) for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            # One that comes again has been visible again: by then everything was seen.
            empty = 0 if new else empty + 1
            seen |= {letter.message_id for letter in new}
            yield from new

    def show(self, letters: Sequence[DeadLetter]) -> None:
        """See `DeadLetters.show`."""
        for start in range(0, len(letters), _BATCH_MAX):
            with asking("SQS"):
                self._client.change_message_visibility_batch(
                    QueueUrl=self._dead_letter_queue_url,
                    Entries=[
                        {
                            "Id": str(n),
                            "ReceiptHandle": letter.receipt_handle,
                            "VisibilityTimeout": 0,
                        }
                        for n, letter in enumerate(letters[start : start + _BATCH_MAX])
                    ],
                )

    def send_back(self, letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """See `DeadLetters.send_back`."""
        with asking("SQS"):
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=letter.body,
                MessageAttributes=message_attributes(attributes),
            )

    def delete(self, letter: DeadLetter) -> None:
        """See `DeadLetters.delete`."""
        with asking("SQS"):
            self._client.delete_message(
                QueueUrl=self._dead_letter_queue_url, ReceiptHandle=letter.receipt_handle
            )


def _letter(message: "MessageTypeDef") -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    return DeadLetter(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message["Body"],
        attributes={
            name: value["StringValue"]
            for name, value in attributes.items()
            if "StringValue" in value
        },
        sent_at=iso(int(message["Attributes"]["SentTimestamp"]) / 1000),
    )
