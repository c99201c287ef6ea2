"""Somewhere that speaks AWS: moto in this process, or the local cloud."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto import mock_aws

# boto3-stubs want a literal name of a service; here it is an argument.
_client: Any = boto3.client

REGION = "us-east-1"


@dataclass
class Place:
    """Somewhere that speaks AWS. What a test makes there has a name of its own."""

    name: str
    connect: Callable[[str], Any]
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client, made once."""
        if service not in self._clients:
            self._clients[service] = self.connect(service)
        return self._clients[service]

    def table(self, key: str) -> str:
        """A new table with this key attribute."""
        name = f"contract-{uuid.uuid4().hex[:12]}"
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def ledger(self) -> str:
        """A new table with the keys and indexes of the ledger (infra/stacks/storage.py)."""
        name = f"contract-{uuid.uuid4().hex[:12]}"
        make_ledger(self.client("dynamodb"), name)
        return name

    def state(self) -> str:
        """A new table with the key and index of the state."""
        name = f"contract-{uuid.uuid4().hex[:12]}"
        make_state(self.client("dynamodb"), name)
        return name

    def queue(self) -> str:
        """The URL of a new queue."""
        made = self.client("sqs").create_queue(QueueName=f"contract-{uuid.uuid4().hex[:12]}")
        return str(made["QueueUrl"])

    def secret(self, value: str) -> str:
        """The ARN of a new secret."""
        made = self.client("secretsmanager").create_secret(
            Name=f"paidonce/contract/{uuid.uuid4().hex[:12]}", SecretString=value
        )
        return str(made["ARN"])


def make_ledger(client: Any, name: str) -> None:
    """A table with the keys and indexes of the ledger (infra/stacks/storage.py)."""
    indexes = {"todo": ("todo", "touched_at"), "aggregate": ("aggregate_id", "decided_at")}
    _make_table(client, name, key="event_id", indexes=indexes)


def make_state(client: Any, name: str) -> None:
    """A table with the key and index of the state (infra/stacks/storage.py)."""
    _make_table(client, name, key="id", indexes={"open": ("open", "created_at")})


def _make_table(
    client: Any, name: str, *, key: str, indexes: Mapping[str, tuple[str, str]]
) -> None:
    attributes = {key, *(attribute for keys in indexes.values() for attribute in keys)}
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index, (partition, sort) in indexes.items()
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def on_moto() -> Iterator[Place]:
    """AWS in this process."""
    with mock_aws():
        yield Place("moto", lambda service: _client(service, region_name=REGION))


def on_cloud(aws: Mapping[str, object]) -> Place:
    """The embedded AWS, reached by these arguments of boto3."""
    return Place("cloud", lambda service: _client(service, **aws))
