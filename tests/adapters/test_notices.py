"""Notices: one contract for the fake, for moto and for the local cloud."""

import json
import uuid
from typing import Any

import pytest
from paidonce.adapters.sns_notices import SnsNotices
from paidonce.domain.notice import Audience, Notice

from tests.adapters.places import Place
from tests.fakes_notices import FakeNotices

RECEIPT = Notice(
    id="pay_1.3.payment.paid",
    kind="receipt",
    audience=Audience.CUSTOMER,
    subject="Your payment for order order-1",
    text="We received 10.00 USD.",
    object_id="pay_1",
    user_id="user-1",
)


def subscribed(place: Place) -> tuple[str, str]:
    """A topic's ARN and the URL of a queue that hears of it, with SNS's envelope."""
    sns, sqs, url = place.client("sns"), place.client("sqs"), place.queue()
    topic = sns.create_topic(Name=f"contract-{uuid.uuid4().hex[:12]}")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    return topic, url


def heard(place: Place, url: str) -> list[dict[str, Any]]:
    found = place.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
    )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@pytest.mark.parametrize("order", ["order-1", "größe\n42", "x" * 200])
def test_each_audience_hears_of_its_own(place: Place | None, order: str) -> None:
    subject = f"Your payment for order {order}"
    notice = Notice(**(vars(RECEIPT) | {"subject": subject}))
    if place is None:
        fake = FakeNotices()
        fake.send(notice)
        assert fake.sent == [notice]
        return
    (customers, one), (office, other) = subscribed(place), subscribed(place)
    topics = {Audience.CUSTOMER: customers, Audience.BACK_OFFICE: office}
    SnsNotices(place.client("sns"), topics=topics).send(notice)
    (said,) = heard(place, one)
    assert heard(place, other) == []
    assert json.loads(said["Message"]) == {
        "id": "pay_1.3.payment.paid",
        "kind": "receipt",
        "subject": subject,
        "text": "We received 10.00 USD.",
        "object_id": "pay_1",
        "user_id": "user-1",
    }
    assert said["MessageAttributes"]["notice_id"]["Value"] == "pay_1.3.payment.paid"
    assert len(said["Subject"]) < 100
    assert said["Subject"].isprintable()
    assert said["Subject"].isascii()
