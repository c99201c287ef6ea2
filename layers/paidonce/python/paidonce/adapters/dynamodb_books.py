"""State and ledger in DynamoDB: one consistent read, one conditional transaction."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from paidonce.adapters import aggregates, items
from paidonce.adapters.aws import asking, code_of, is_temporary_code
from paidonce.adapters.dynamodb_catalogue import outdating
from paidonce.domain.aggregate import Aggregate
from paidonce.domain.errors import ChangedMeanwhile, TryAgain
from paidonce.domain.ledger import LedgerRow, Outcome
from paidonce.domain.ownership import FOREIGN
from paidonce.use_cases.ports import AlreadyApplied, Clock, Commit, Pages, Pointer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# BatchGetItem takes 100 keys (DynamoDB's quotas).
_KEYS_MAX = 100
# Seconds before what stayed unprocessed is asked for again; then the whole read is given up.
_ASK_AGAIN_AFTER = (0.05, 0.1, 0.2, 0.4)

_NOT_FINAL = (Outcome.WAITING, Outcome.FAILING, Outcome.DEAD)

_Key = tuple[str, str]


@dataclass(frozen=True)
class _Action:
    """One action of a transaction, and what a failed condition of it means."""

    item_id: str
    write: "TransactWriteItemTypeDef"
    is_ledger: bool = False


class DynamoDbBooks:
    """The port `Books`. `ledger_days`: how long final rows are kept."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        payments_table: str,
        events_table: str,
        ledger_days: int,
        clock: Clock,
    ) -> None:
        self._client = client
        self._payments_table = payments_table
        self._events_table = events_table
        self._ledger_days = ledger_days
        self._clock = clock

    def read(
        self,
        *,
        event_ids: Collection[str],
        payment_ids: Collection[str],
        pointer_ids: Collection[str],
    ) -> Pages:
        """See `Books.read`."""
        events, state = self._events_table, self._payments_table
        found = self._get(
            [(events, i) for i in event_ids] + [(state, i) for i in (*payment_ids, *pointer_ids)]
        )
        pointers = {
            i: items.read_pointer(found[state, i]).aggregate_id
            for i in pointer_ids
            if (state, i) in found
        }
        behind = set(pointers.values()) - set(payment_ids) - {FOREIGN}
        found |= self._get([(state, i) for i in behind])
        return Pages(
            rows={
                i: items.read_ledger_row(found[events, i])
                for i in event_ids
                if (events, i) in found
            },
            aggregates={
                i: aggregates.read(found[state, i])
                for i in {*payment_ids, *behind}
                if (state, i) in found
            },
            pointers=pointers,
        )

    def _get(self, wanted: Sequence[_Key]) -> dict[_Key, Mapping[str, Any]]:
        found: dict[_Key, Mapping[str, Any]] = {}
        unique = list(dict.fromkeys(wanted))
        for start in range(0, len(unique), _KEYS_MAX):
            found |= self._get_batch(unique[start : start + _KEYS_MAX])
        return found

    def _get_batch(self, wanted: Sequence[_Key]) -> dict[_Key, Mapping[str, Any]]:
        """One BatchGetItem, asked again for what stays unprocessed: that is never absence."""
        found: dict[_Key, Mapping[str, Any]] = {}
        request = self._request(wanted)
        for pause_seconds in (*_ASK_AGAIN_AFTER, None):
            with asking("DynamoDB"):
                answer = self._client.batch_get_item(RequestItems=request)
            for table, rows in answer["Responses"].items():
                name = self._key_of(table)
                found |= {(table, row[name]["S"]): row for row in rows}
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return found
            if pause_seconds is not None:
                self._clock.pause(pause_seconds * random.uniform(0.5, 1.5))
        raise TryAgain("DynamoDB left keys unprocessed")

    def _request(self, wanted: Sequence[_Key]) -> dict[str, Any]:
        request: dict[str, Any] = {}
        for table, value in wanted:
            part = request.setdefault(table, {"Keys": [], "ConsistentRead": True})
            part["Keys"].append(items.key(self._key_of(table), value))
        return request

    def _key_of(self, table: str) -> str:
        return "event_id" if table == self._events_table else "id"

    def commit(self, entry: Commit) -> None:
        """See `Books.commit`."""
        actions = [
            *(self._make(new) for new in entry.made),
            *(self._change(before, after) for before, after in entry.changed),
            *(self._check(read) for read in entry.checked),
            *(self._put_pointer(pointer) for pointer in entry.pointers),
            *(self._outdate(name) for name in entry.outdated),
            *(self._claim(claim_id, holder) for claim_id, holder in entry.claims.items()),
            *(
                self._replay_row(row, entry.replayed[row.event_id])
                if row.event_id in entry.replayed
                else self._put_row(row)
                for row in entry.rows
            ),
        ]
        if not actions:
            return
        with asking("DynamoDB"):
            try:
                self._client.transact_write_items(TransactItems=[a.write for a in actions])
            except ClientError as error:
                meaning = _meaning(error, actions)
                if meaning is None:
                    raise
                raise meaning from error

    def _make(self, new: Aggregate) -> _Action:
        return _Action(
            new.id,
            {
                "Put": {
                    "TableName": self._payments_table,
                    "Item": aggregates.item_of(new),
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        )

    def _change(self, before: Aggregate, after: Aggregate) -> _Action:
        return _Action(
            after.id,
            {
                "Put": {
                    "TableName": self._payments_table,
                    "Item": aggregates.item_of(after),
                    "ConditionExpression": "#version = :read",
                    "ExpressionAttributeNames": {"#version": "version"},
                    "ExpressionAttributeValues": items.values(read=before.version),
                }
            },
        )

    def _check(self, read: Aggregate) -> _Action:
        return _Action(
            read.id,
            {
                "ConditionCheck": {
                    "TableName": self._payments_table,
                    "Key": items.key("id", read.id),
                    "ConditionExpression": "#version = :read",
                    "ExpressionAttributeNames": {"#version": "version"},
                    "ExpressionAttributeValues": items.values(read=read.version),
                }
            },
        )

    def _put_pointer(self, pointer: Pointer) -> _Action:
        return _Action(
            pointer.id,
            {
                "Put": {
                    "TableName": self._payments_table,
                    "Item": items.pointer_item(pointer),
                    "ConditionExpression": "attribute_not_exists(id) OR aggregate_id = :same",
                    "ExpressionAttributeValues": items.values(same=pointer.aggregate_id),
                }
            },
        )

    def _outdate(self, name: str) -> _Action:
        at = int(self._clock.now())
        return _Action(name, {"Update": outdating(name, table=self._payments_table, at=at)})

    def _claim(self, claim_id: str, payment_id: str) -> _Action:
        """A claim that stands stays as it is, whoever has it: what is restored need not win."""
        update: Any = {
            "TableName": self._payments_table,
            "Key": items.key("id", claim_id),
            "UpdateExpression": "SET payment_id = if_not_exists(payment_id, :mine), "
            "#schema = if_not_exists(#schema, :schema)",
            "ExpressionAttributeNames": {"#schema": "schema"},
            "ExpressionAttributeValues": items.values(mine=payment_id, schema=items.SCHEMA),
        }
        return _Action(claim_id, {"Update": update})

    def _put_row(self, row: LedgerRow) -> _Action:
        return _Action(
            row.event_id,
            {"Put": self._row_over(row, _NOT_FINAL)},
            is_ledger=True,
        )

    def _replay_row(self, row: LedgerRow, read: LedgerRow | None) -> _Action:
        """Over the very row that was read. Another one there now means: read again, decide again.

        So no ledger condition: whether this replay is done is asked of the row by itself.
        """
        condition, names, known = "attribute_not_exists(event_id)", {}, {}
        if read is not None:
            condition = "decided_at = :decided_at AND #outcome = :read"
            names = {"#outcome": "outcome"}
            known = items.values(decided_at=read.decided_at, read=read.outcome.value)
        put: Any = {
            "TableName": self._events_table,
            "Item": items.ledger_item(row, ledger_days=self._ledger_days),
            "ConditionExpression": condition,
        }
        if names:
            put |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": known}
        return _Action(row.event_id, {"Put": put})

    def _row_over(self, row: LedgerRow, weaker: Collection[Outcome]) -> Any:
        """A ledger row's write over absence or one of the outcomes that are weaker than its own.

        Any: a transaction's Put and put_item have two types for this one shape.
        """
        old = {outcome.value: outcome.value for outcome in weaker}
        return {
            "TableName": self._events_table,
            "Item": items.ledger_item(row, ledger_days=self._ledger_days),
            "ConditionExpression": "attribute_not_exists(event_id) OR #outcome IN "
            f"({', '.join(f':{name}' for name in old)})",
            "ExpressionAttributeNames": {"#outcome": "outcome"},
            "ExpressionAttributeValues": items.values(**old),
        }

    def park(self, row: LedgerRow) -> Outcome | None:
        """See `Books.park`."""
        if row.outcome.is_final:
            raise ValueError("a final row is committed, not parked")
        weaker = _NOT_FINAL if row.outcome is Outcome.DEAD else _NOT_FINAL[:2]
        with asking("DynamoDB"):
            try:
                self._client.put_item(
                    **self._row_over(row, weaker), ReturnValuesOnConditionCheckFailure="ALL_OLD"
                )
            except ClientError as error:
                if code_of(error) == "TransactionConflictException":
                    raise ChangedMeanwhile(row.event_id) from error
                if code_of(error) != "ConditionalCheckFailedException":
                    raise
                # botocore puts the old item beside the error; its stub does not know of it.
                response: Mapping[str, Any] = error.response
                return items.outcome_of(response["Item"])
        return None


_CONDITION = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"


def _meaning(error: ClientError, actions: Sequence[_Action]) -> Exception | None:
    """What a transaction's error says about our rows (design 2.3); None when it says nothing."""
    if code_of(error) == f"{_CONFLICT}Exception":
        return ChangedMeanwhile("another transaction holds a row")
    if code_of(error) != "TransactionCanceledException":
        return None
    # botocore puts one reason for each action beside the error; its stub does not know of it.
    response: Mapping[str, Any] = error.response
    reasons = [reason.get("Code") for reason in response.get("CancellationReasons", ())]
    failed = list(zip(actions, reasons, strict=False))
    final = [a.item_id for a, reason in failed if a.is_ledger and reason == _CONDITION]
    if final:
        return AlreadyApplied(*final)
    changed = [a.item_id for a, reason in failed if reason in (_CONDITION, _CONFLICT)]
    if changed:
        return ChangedMeanwhile(", ".join(changed))
    if any(is_temporary_code(reason) for reason in reasons):
        return TryAgain("DynamoDB is throttled")
    return None
