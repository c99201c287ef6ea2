"""How far a sweep is, as one item of the state table."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.adapters.dynamodb_payments import CHANGED
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.sweep import Sweep

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbSweeps:
    """The port `Sweeps`; `name` tells it from the sweeps of others."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str, name: str) -> None:
        self._client = client
        self._table = payments_table
        self._id = f"sweep#{name}"

    def standing(self) -> Sweep | None:
        """See `Sweeps.standing`."""
        with asking("DynamoDB"):
            item = self._client.get_item(
                TableName=self._table, Key=items.key("id", self._id), ConsistentRead=True
            ).get("Item")
        return _read(items.values_of(item)) if item else None

    def save(self, sweep: Sweep, *, over: Sweep | None) -> Sweep:
        """See `Sweeps.save`."""
        saved = replace(sweep, version=1 if over is None else over.version + 1)
        with asking("DynamoDB"):
            try:
                if over is None:
                    self._client.put_item(
                        TableName=self._table,
                        Item=self._item(saved),
                        ConditionExpression="attribute_not_exists(id)",
                    )
                else:
                    self._client.put_item(
                        TableName=self._table,
                        Item=self._item(saved),
                        ConditionExpression="#version = :read",
                        ExpressionAttributeNames={"#version": "version"},
                        ExpressionAttributeValues=items.values(read=over.version),
                    )
            except ClientError as error:
                if code_of(error) not in CHANGED:
                    raise
                raise ChangedMeanwhile(self._id) from error
        return saved

    def _item(self, sweep: Sweep) -> items.Item:
        return items.without_none({"id": self._id, "schema": items.SCHEMA} | asdict(sweep))


def _read(found: Mapping[str, Any]) -> Sweep:
    """Attributes that a newer release added are not ours to know."""
    reached, completed_at = found.get("reached"), found.get("completed_at")
    fresh_from, asked_at = found.get("fresh_from"), found.get("asked_at")
    return Sweep(
        window_from=int(found["window_from"]),
        window_to=int(found["window_to"]),
        types=found["types"],
        group=int(found["group"]),
        reached=None if reached is None else int(reached),
        completed_at=None if completed_at is None else int(completed_at),
        fresh_from=None if fresh_from is None else int(fresh_from),
        fresh_seen=int(found.get("fresh_seen", 0)),
        fresh_missing=int(found.get("fresh_missing", 0)),
        asked_at=None if asked_at is None else int(asked_at),
        version=int(found["version"]),
    )
