"""Payments that can still move, found by a sparse index of the state table."""

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from paidonce.adapters import items
from paidonce.adapters.aws import asking
from paidonce.domain.ledger import PARTITIONS
from paidonce.domain.payment import Payment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The index (infra/stacks/storage.py): it holds no more than keys.
OPEN_INDEX = "open"
_PAGE_ROWS = 25


class DynamoDbOpenPayments:
    """The port `OpenPayments`."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str) -> None:
        self._client = client
        self._table = payments_table

    def since(self, *, before: str) -> Iterator[Sequence[Payment]]:
        """See `OpenPayments.since`."""
        # In another order each time: a run that is cut short leaves out others than the last one.
        for partition in random.sample(PARTITIONS, len(PARTITIONS)):
            start: dict[str, Any] = {}
            while True:
                with asking("DynamoDB"):
                    answer = self._client.query(
                        TableName=self._table,
                        IndexName=OPEN_INDEX,
                        KeyConditionExpression="#open = :open AND created_at < :before",
                        ExpressionAttributeNames={"#open": "open"},
                        ExpressionAttributeValues=items.values(
                            open=items.open_marker(partition), before=before
                        ),
                        Limit=_PAGE_ROWS,
                        **start,
                    )
                rows = (self._row(str(found["id"]["S"])) for found in answer["Items"])
                yield [row for row in rows if row is not None]
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _row(self, payment_id: str) -> Payment | None:
        """As it stands now: the index lags behind."""
        with asking("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._table, Key=items.key("id", payment_id), ConsistentRead=True
            )
        return items.read_payment(answer["Item"]) if "Item" in answer else None
