"""Somebody who subscribes to what happens: a rule on the stage's bus with a queue of its own."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from paidonce.domain.announcement import Announcement

from local.shop import Shop


@dataclass
class Listener:
    """All that came into one queue, kept in its order."""

    shop: Shop
    url: str
    bodies: list[str] = field(default_factory=list)

    def read(self) -> list[str]:
        """What has come until now."""
        client = self.shop.client("sqs")
        while True:
            found = client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
            if not found.get("Messages"):
                return self.bodies
            for message in found["Messages"]:
                self.bodies.append(message["Body"])
                client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def events_about(self, object_id: str) -> list[Announcement]:
        """The domain events about one object that came until now, repeats included."""
        found = [Announcement.parse(body) for body in self.read()]
        return [one for one in found if one.object["id"] == object_id]


@contextmanager
def queue_of_its_own(shop: Shop) -> Iterator[tuple[str, str]]:
    """A new queue's URL and ARN."""
    client = shop.client("sqs")
    url = client.create_queue(QueueName=f"listener-{secrets.token_hex(4)}")["QueueUrl"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    try:
        yield url, found["Attributes"]["QueueArn"]
    finally:
        client.delete_queue(QueueUrl=url)


@contextmanager
def on_the_bus(shop: Shop) -> Iterator[Listener]:
    """A rule for every domain event of the stage."""
    events, bus = shop.client("events"), shop.endpoints["outputs"]["EventBusName"]
    name = f"listener-{secrets.token_hex(4)}"
    pattern: dict[str, Any] = {"source": [f"paidonce.{shop.endpoints['stage']}"]}
    with queue_of_its_own(shop) as (url, arn):
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        try:
            yield Listener(shop, url)
        finally:
            events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
            events.delete_rule(Name=name, EventBusName=bus)


@contextmanager
def on_a_topic(shop: Shop, output: str) -> Iterator[Listener]:
    """A subscription to one of the stage's topics; its messages come without SNS's envelope."""
    sns = shop.client("sns")
    with queue_of_its_own(shop) as (url, arn):
        made = sns.subscribe(
            TopicArn=shop.endpoints["outputs"][output],
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
            ReturnSubscriptionArn=True,
        )
        try:
            yield Listener(shop, url)
        finally:
            sns.unsubscribe(SubscriptionArn=made["SubscriptionArn"])
