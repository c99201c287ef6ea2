"""The catalogue in DynamoDB: one item of the state table for each entry, gone after its time."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of
from paidonce.use_cases.catalogue import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateTypeDef

# An item outlives its entry by this much, so that its revision does not begin anew under a claim.
_STAYS_SECONDS = 3600
# Somebody else's write stood in the way: as an entry that is not ours to write.
_NOT_NOW = ("ConditionalCheckFailedException", "TransactionConflictException")


class DynamoDbCatalogue:
    """The port `Catalogue`."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str) -> None:
        self._client = client
        self._table = payments_table

    def read(self, name: str) -> Entry | None:
        """See `Catalogue.read`."""
        with asking("DynamoDB"):
            item = self._client.get_item(
                TableName=self._table, Key=items.key("id", name), ConsistentRead=True
            ).get("Item")
        if not item or "document" not in item:
            return None
        return Entry(
            document=json.loads(item["document"]["S"]), fresh_until=int(item["fresh_until"]["N"])
        )

    def claim(self, name: str, *, now: int, lasts_seconds: int) -> int | None:
        """See `Catalogue.claim`."""
        written = self._update(
            name,
            "SET claimed_until = :until, expires_at = :expires_at, #schema = :schema "
            "ADD revision :one",
            "(attribute_not_exists(claimed_until) OR claimed_until <= :now) "
            "AND (attribute_not_exists(fresh_until) OR fresh_until <= :now)",
            {
                "until": now + lasts_seconds,
                "expires_at": now + lasts_seconds + _STAYS_SECONDS,
                "schema": items.SCHEMA,
                "one": 1,
                "now": now,
            },
        )
        return int(written["revision"]["N"]) if written else None

    def keep(self, name: str, entry: Entry, *, revision: int) -> bool:
        """See `Catalogue.keep`."""
        written = self._update(
            name,
            "SET document = :document, fresh_until = :fresh_until, expires_at = :expires_at, "
            "#schema = :schema REMOVE claimed_until",
            "revision = :mine",
            {
                "document": json.dumps(entry.document, separators=(",", ":")),
                "fresh_until": entry.fresh_until,
                "expires_at": entry.fresh_until + _STAYS_SECONDS,
                "schema": items.SCHEMA,
                "mine": revision,
            },
        )
        return written is not None

    def give_up(self, name: str, *, revision: int) -> None:
        """See `Catalogue.give_up`."""
        self._update(
            name,
            "SET #schema = :schema REMOVE claimed_until",
            "revision = :mine",
            {"schema": items.SCHEMA, "mine": revision},
        )

    def _update(
        self, name: str, update: str, condition: str, named: Mapping[str, object]
    ) -> Mapping[str, Any] | None:
        """One conditional write; what the item holds after it, or None when it was not made."""
        with asking("DynamoDB"):
            try:
                return self._client.update_item(
                    TableName=self._table,
                    Key=items.key("id", name),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#schema": "schema"},
                    ExpressionAttributeValues=items.values(**named),
                    ReturnValues="ALL_NEW",
                )["Attributes"]
            except ClientError as error:
                if code_of(error) not in _NOT_NOW:
                    raise
                return None


def outdating(name: str, *, table: str, at: int) -> "UpdateTypeDef":
    """The part of a transaction that takes an entry away, and the right to keep one under way.

    Only what is an entry, or nothing yet: an item under that name that never was a claim stays.
    """
    return {
        "TableName": table,
        "Key": items.key("id", name),
        "UpdateExpression": "SET #schema = :schema, expires_at = :expires_at "
        "REMOVE document, fresh_until, claimed_until ADD revision :one",
        "ConditionExpression": "attribute_not_exists(id) OR attribute_exists(revision)",
        "ExpressionAttributeNames": {"#schema": "schema"},
        "ExpressionAttributeValues": items.values(
            schema=items.SCHEMA, expires_at=at + _STAYS_SECONDS, one=1
        ),
    }
