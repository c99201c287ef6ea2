"""The ledger's rows that the bus has not heard of, in DynamoDB."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.adapters.dynamodb_ledger_search import DynamoDbLedgerSearch
from paidonce.domain.errors import TryAgain
from paidonce.domain.ledger import PUBLISH, LedgerRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbOutbox:
    """The port `Outbox`. `ledger_days`: how long a published row is kept."""

    def __init__(self, client: "DynamoDBClient", *, events_table: str, ledger_days: int) -> None:
        self._client = client
        self._events_table = events_table
        self._ledger_days = ledger_days
        self._search = DynamoDbLedgerSearch(client, events_table=events_table)

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
        return self._search.marked(PUBLISH, before=before)
