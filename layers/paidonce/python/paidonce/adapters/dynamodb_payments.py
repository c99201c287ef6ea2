"""Payments in DynamoDB, as the API opens and reads them."""

import random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters import items
from paidonce.adapters.aws import asking, code_of, is_temporary_code
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.payment import Payment, PaymentStatus
from paidonce.use_cases.ports import Clock, OrderTaken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Two clicks at once conflict once or twice; more is a storm, and the caller may come back.
_OPEN_TRIES_MAX = 5
_PAUSE_SECONDS = 0.03


class DynamoDbPaymentBooks:
    """The port `PaymentBooks`."""

    def __init__(self, client: "DynamoDBClient", *, payments_table: str, clock: Clock) -> None:
        self._client = client
        self._table = payments_table
        self._clock = clock

    def get(self, payment_id: str) -> Payment | None:
        """See `PaymentBooks.get`."""
        item = self._item(payment_id)
        return items.read_payment(item) if item else None

    def claimed_by(self, claim_id: str) -> str | None:
        """See `PaymentBooks.claimed_by`."""
        item = self._item(claim_id)
        return items.claim_holder(item) if item else None

    def _item(self, item_id: str) -> dict[str, Any] | None:
        with asking("DynamoDB"):
            answer = self._client.get_item(
                TableName=self._table, Key=items.key("id", item_id), ConsistentRead=True
            )
        return answer.get("Item")

    def open(self, payment: Payment, *, claim_id: str) -> Payment:
        """See `PaymentBooks.open`."""
        canceled_id: str | None = None
        for _ in range(_OPEN_TRIES_MAX):
            if self._opened(payment, claim_id=claim_id, canceled_id=canceled_id):
                return payment
            # What stood in the way decides: the payment itself, a claim, or only a conflict.
            if (stands := self.get(payment.id)) is not None:
                return stands
            canceled_id = self._canceled_holder_of(claim_id)
            if canceled_id is None:
                self._clock.pause(_PAUSE_SECONDS * random.uniform(0.5, 1.5))
        raise TryAgain("the order is asked for too often at once")

    def _canceled_holder_of(self, claim_id: str) -> str | None:
        """Whose canceled payment may be taken over; raises OrderTaken when it is not canceled."""
        holder_id = self.claimed_by(claim_id)
        holder = holder_id and self.get(holder_id)
        if not holder:
            return None
        if holder.status is not PaymentStatus.CANCELED:
            raise OrderTaken(holder)
        return holder.id

    def _opened(self, payment: Payment, *, claim_id: str, canceled_id: str | None) -> bool:
        """One transaction; False when a condition or another transaction stood in the way."""
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": items.payment_item(payment),
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
            {
                "Put": {
                    "TableName": self._table,
                    "Item": items.claim_item(claim_id, payment_id=payment.id),
                    "ConditionExpression": "attribute_not_exists(id) OR payment_id = :holder",
                    "ExpressionAttributeValues": items.values(holder=canceled_id or payment.id),
                }
            },
        ]
        if canceled_id is not None:
            writes.append(self._check_canceled(canceled_id))
        with asking("DynamoDB"):
            try:
                self._client.transact_write_items(TransactItems=writes)
            except ClientError as error:
                if not stood_in_the_way(error):
                    raise
                return False
        return True

    def _check_canceled(self, payment_id: str) -> "TransactWriteItemTypeDef":
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": items.key("id", payment_id),
                "ConditionExpression": "#status = :canceled",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": items.values(canceled=PaymentStatus.CANCELED.value),
            }
        }

    def save(self, before: Payment, after: Payment) -> None:
        """See `PaymentBooks.save`."""
        with asking("DynamoDB"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=items.payment_item(after),
                    ConditionExpression="#version = :read",
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues=items.values(read=before.version),
                )
            except ClientError as error:
                if code_of(error) in CHANGED:
                    raise ChangedMeanwhile(before.id) from error
                raise

    def note_try(self, payment: Payment, *, at: int) -> Payment:
        """See `PaymentBooks.note_try`; `version` rises, or a rule's write would undo this one."""
        with asking("DynamoDB"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=items.key("id", payment.id),
                    UpdateExpression="SET last_tried_at = :at, "
                    "first_tried_at = if_not_exists(first_tried_at, :at), "
                    "#version = #version + :one",
                    ConditionExpression="attempt = :mine",
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues=items.values(
                        at=at, one=1, mine=payment.creation.attempt
                    ),
                    ReturnValues="ALL_NEW",
                )
            except ClientError as error:
                if code_of(error) in CHANGED:
                    raise ChangedMeanwhile(payment.id) from error
                raise
        return items.read_payment(answer["Attributes"])


CHANGED = ("ConditionalCheckFailedException", "TransactionConflictException")
_OURS = {"ConditionalCheckFailed", "TransactionConflict"}


def stood_in_the_way(error: ClientError) -> bool:
    """True for a failed condition or a conflict; raises TryAgain when throttled."""
    if code_of(error) == "TransactionConflictException":
        return True
    if code_of(error) != "TransactionCanceledException":
        return False
    # botocore puts the reasons beside the error; its stub does not know of them.
    response: dict[str, Any] = {**error.response}
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", ())}
    if reasons & _OURS:
        return True
    if any(is_temporary_code(reason) for reason in reasons):
        raise TryAgain("DynamoDB is throttled") from error
    return False
