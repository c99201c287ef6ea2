"""Notices through SNS: a topic for each audience."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from paidonce.adapters.aws import asking
from paidonce.domain.notice import Audience, Notice

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# Printable ASCII, below 100: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT_LENGTH_MAX = 99


class SnsNotices:
    """The port `Notices`. An e-mail subscription reads the text, every other one a document."""

    def __init__(self, client: "SNSClient", *, topics: Mapping[Audience, str]) -> None:
        self._client = client
        self._topics = topics

    def send(self, notice: Notice) -> None:
        """See `Notices.send`."""
        document = {
            "id": notice.id,
            "kind": notice.kind,
            "subject": notice.subject,
            "text": notice.text,
            "object_id": notice.object_id,
            "user_id": notice.user_id,
        }
        with asking("SNS"):
            self._client.publish(
                TopicArn=self._topics[notice.audience],
                Subject=_subject(notice.subject),
                MessageStructure="json",
                Message=json.dumps({"default": json.dumps(document), "email": notice.text}),
                MessageAttributes={
                    "kind": {"DataType": "String", "StringValue": notice.kind},
                    "notice_id": {"DataType": "String", "StringValue": notice.id},
                },
            )


def _subject(text: str) -> str:
    """What SNS takes of a subject: an order's id may hold any character."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain[:_SUBJECT_LENGTH_MAX]
