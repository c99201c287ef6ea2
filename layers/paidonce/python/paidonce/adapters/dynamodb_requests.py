"""Requests and what they lead to in DynamoDB, as the API opens, reads and writes them."""

from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from paidonce.adapters import aggregates, items
from paidonce.adapters.aws import asking, code_of
from paidonce.adapters.dynamodb_payments import CHANGED, stood_in_the_way
from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import ChangedMeanwhile
from paidonce.domain.request import Request
from paidonce.use_cases.request_books import ClaimTaken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

A = TypeVar("A", bound=Aggregate)


class DynamoDbRequestBooks:
    """The port `RequestBooks`."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str) -> None:
        self._client = client
        self._table = payments_table

    def get(self, aggregate_id: str, kind: type[A]) -> A | None:
        """See `RequestBooks.get`."""
        item = self._item(aggregate_id)
        found = aggregates.read(item) if item else None
        return found if isinstance(found, kind) else None

    def holder_of(self, claim_id: str) -> Request | None:
        """See `RequestBooks.holder_of`."""
        claim = self._item(claim_id)
        return self.get(items.claim_holder(claim), Request) if claim else None

    def _item(self, item_id: str) -> dict[str, Any] | None:
        with asking("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._table, Key=items.key("id", item_id), ConsistentRead=True
            )
        return answer.get("Item")

    def open(
        self, request: Request, *, claim_id: str | None = None, over: Request | None = None
    ) -> Request:
        """See `RequestBooks.open`."""
        if self._opened(request, claim_id=claim_id, over=over):
            return request
        # What stood in the way decides: the request itself, a claim, or only a conflict.
        if (stands := self.get(request.id, Request)) is not None:
            return stands
        holder = self.holder_of(claim_id) if claim_id else None
        if holder is not None and (over is None or holder.id != over.id):
            raise ClaimTaken(holder)
        raise ChangedMeanwhile(request.id)

    def _opened(self, request: Request, *, claim_id: str | None, over: Request | None) -> bool:
        """One transaction; False when a condition or another transaction stood in the way."""
        writes = [self._put_absent(request)]
        if claim_id is not None:
            writes.append(self._put_claim(claim_id, request, over))
        if over is not None:
            after = over.gave_way().written(at=request.created_at)
            writes.append({"Put": self._put_over(over, after)})
        with asking("DynamoDB"):
            try:
                self._client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not stood_in_the_way(error):
                    raise
                return False
        return True

    def _put_absent(self, request: Request) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": aggregates.item_of(request),
                "ConditionExpression": "attribute_not_exists(id)",
            }
        }

    def _put_claim(
        self, claim_id: str, request: Request, over: Request | None
    ) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": items.claim_item(claim_id, payment_id=request.id),
                "ConditionExpression": "attribute_not_exists(id) OR payment_id = :holder",
                "ExpressionAttributeValues": items.values(holder=(over or request).id),
            }
        }

    def save(self, before: Aggregate, after: Aggregate) -> None:
        """See `RequestBooks.save`."""
        with asking("DynamoDB"):
            try:
                self._client.put_item(**self._put_over(before, after))
            except ClientError as error:
                if code_of(error) in CHANGED:
                    raise ChangedMeanwhile(before.id) from error
                raise

    def _put_over(self, before: Aggregate, after: Aggregate) -> Any:
        """Any: a transaction's Put and put_item have two types for this one shape."""
        return {
            "TableName": self._table,
            "Item": aggregates.item_of(after),
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": items.values(read=before.version),
        }
