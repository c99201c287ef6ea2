"""The ledger's rows that the bus has not heard of, in DynamoDB."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import PARTITIONS, PUBLISH, LedgerRow, marker

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The index over the markers (infra/stacks/storage.py).
TODO_INDEX = "todo"
# Rows of one page: what one invocation of publish_changes gets, and well below BatchGetItem's 100.
PAGE_ROWS = 25


class DynamoDbOutbox:
    """The port `Outbox`. `ledger_days`: how long a published row is kept."""

    def __init__(self, client: "DynamoDBClient", *, events_table: str, ledger_days: int) -> None:
        self._client = client
        self._events_table = events_table
        self._ledger_days = ledger_days

    def settle(self, row: LedgerRow) -> bool:
        """See `Outbox.settle`."""
        expires_at = items.seconds_after(row.decided_at, days=self._ledger_days)
        with asking("DynamoDB"):
            try:
                self._client.update_item(
                    TableName=self._events_table,
                    Key=items.key("event_id", row.event_id),
                    UpdateExpression="SET expires_at = :expires_at REMOVE todo, touched_at",
                    # A row that was decided anew has more to tell, and keeps its marker.
                    ConditionExpression="decided_at = :seen AND begins_with(todo, :publish)",
                    ExpressionAttributeValues=items.values(
                        expires_at=expires_at, seen=row.decided_at, publish=f"{PUBLISH}#"
                    ),
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                if code_of(error) == "TransactionConflictException":
                    raise TryAgain(f"{row.event_id} is being decided") from error
                raise
        return True

    def due(self, *, before: str) -> Iterator[Sequence[LedgerRow]]:
        """See `Outbox.due`."""
        for partition in PARTITIONS:
            start: dict[str, Any] = {}
            while True:
                with asking("DynamoDB"):
                    answer = self._client.query(
                        TableName=self._events_table,
                        IndexName=TODO_INDEX,
                        KeyConditionExpression="todo = :todo AND touched_at < :before",
                        ExpressionAttributeValues=items.values(
                            todo=marker(PUBLISH, partition), before=before
                        ),
                        Limit=PAGE_ROWS,
                        **start,
                    )
                page = self._rows([str(found["event_id"]["S"]) for found in answer["Items"]])
                if page:
                    yield page
                if "LastEvaluatedKey" not in answer:
                    break
                start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _rows(self, event_ids: Sequence[str]) -> list[LedgerRow]:
        """The rows themselves: the index lags behind, and holds only their keys."""
        found: list[Mapping[str, Any]] = []
        for event_id in event_ids:
            with asking("DynamoDB"):
                answer = self._client.get_item(
                    TableName=self._events_table,
                    Key=items.key("event_id", event_id),
                    ConsistentRead=True,
                )
            if "Item" in answer:
                found.append(answer["Item"])
        rows = map(items.read_ledger_row, found)
        return [row for row in rows if row.todo and row.todo.startswith(f"{PUBLISH}#")]
