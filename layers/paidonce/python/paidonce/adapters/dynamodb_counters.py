"""Things counted per second or minute: how often a shopper asks, how often we ask Stripe."""

import random
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.use_cases.ports import Clock, Counter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbCounter:
    """The port `Counter`: one item per key in the state table, gone soon after its time."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str, clock: Clock) -> None:
        self._client = client
        self._table = payments_table
        self._clock = clock

    def take(self, key: str, *, limit: int, lasts_seconds: int) -> bool:
        """See `Counter.take`."""
        if limit < 1:
            return False
        with asking("DynamoDB"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=items.key("id", key),
                    UpdateExpression="SET expires_at = if_not_exists(expires_at, :expires_at), "
                    "#schema = :schema ADD taken :one",
                    ConditionExpression="attribute_not_exists(id) OR taken < :limit",
                    ExpressionAttributeNames={"#schema": "schema"},
                    ExpressionAttributeValues=items.values(
                        one=1,
                        limit=limit,
                        schema=items.SCHEMA,
                        expires_at=int(self._clock.now()) + lasts_seconds,
                    ),
                )
            except ClientError as error:
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True


class Budget:
    """Stripe calls of one use per second, over four items so that none of them gets hot."""

    SHARDS = 4
    # Only the running second matters; the rest is time for DynamoDB to delete it.
    _LASTS_SECONDS = 600

    def __init__(self, counter: Counter, clock: Clock, *, use: str, per_second: int) -> None:
        self._counter = counter
        self._clock = clock
        self._use = use
        self._shares = [
            (shard, per_second // self.SHARDS + (shard < per_second % self.SHARDS))
            for shard in range(self.SHARDS)
        ]

    def take(self) -> bool:
        """One call, if two shards asked at random have one left; raises TryAgain when throttled."""
        second = int(self._clock.now())
        shares = [share for share in self._shares if share[1] > 0]
        return any(
            self._counter.take(
                f"budget#{self._use}#{second}#{shard}",
                limit=limit,
                lasts_seconds=self._LASTS_SECONDS,
            )
            for shard, limit in random.sample(shares, min(2, len(shares)))
        )
