"""The ledger's indexes in DynamoDB: what is left to do, and what was decided about one of ours."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paidonce.adapters import items
from paidonce.adapters.aws import asking
from paidonce.domain.ledger import PARTITIONS, LedgerRow, Outcome, marker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The indexes (infra/stacks/storage.py): both hold no more than keys.
TODO_INDEX = "todo"
AGGREGATE_INDEX = "aggregate"
# Rows of one page: what one invocation of publish_changes gets, and well below BatchGetItem's 100.
PAGE_ROWS = 25


class DynamoDbLedgerSearch:
    """The port `LedgerSearch`."""

    def __init__(self, client: "DynamoDBClient", *, events_table: str) -> None:
        self._client = client
        self._events_table = events_table

    def row(self, event_id: str) -> LedgerRow | None:
        """See `LedgerSearch.row`."""
        with asking("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._events_table,
                Key=items.key("event_id", event_id),
                ConsistentRead=True,
            )
        return items.read_ledger_row(answer["Item"]) if "Item" in answer else None

    def about(self, aggregate_id: str) -> Sequence[LedgerRow]:
        """See `LedgerSearch.about`."""
        pages = self._pages(
            AGGREGATE_INDEX,
            "aggregate_id = :aggregate_id",
            items.values(aggregate_id=aggregate_id),
        )
        return [row for page in pages for row in page]

    def left(self, outcome: Outcome, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `LedgerSearch.left`."""
        return self.marked(outcome.value, before=before)

    def marked(self, kind: str, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """Pages of rows that still carry a marker of this kind, set before this (ISO 8601)."""
        # In another order each time: a run that is cut short leaves out others than the last one.
        for partition in random.sample(PARTITIONS, len(PARTITIONS)):
            for page in self._pages(
                TODO_INDEX,
                "todo = :todo AND touched_at < :before",
                items.values(todo=marker(kind, partition), before=before),
            ):
                still = [row for row in page if row.todo and row.todo.startswith(f"{kind}#")]
                if still:
                    yield still

    def _pages(
        self, index: str, condition: str, values: Mapping[str, Any]
    ) -> Iterator[list[LedgerRow]]:
        """The rows behind the keys of an index, each as it stands now."""
        start: dict[str, Any] = {}
        while True:
            with asking("DynamoDB"):
                answer = self._client.query(
                    TableName=self._events_table,
                    IndexName=index,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    Limit=PAGE_ROWS,
                    **start,
                )
            found = (self.row(str(item["event_id"]["S"])) for item in answer["Items"])
            yield [row for row in found if row is not None]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
