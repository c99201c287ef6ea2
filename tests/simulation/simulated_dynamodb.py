"""DynamoDB as its client shows it, for the expressions that our adapters use; others are refused.

A schedule in ten runs the real adapters over this client; the others run the ports' fakes, which
the contract tests in `tests/adapters` hold to the same behaviour at a tenth of the cost.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
Wrote = Callable[[str, Mapping[str, Any] | None, Mapping[str, Any]], None]

KEY_OF = {"payments": "id", "events": "event_id"}
_NAME = r"#?[a-z_]+"
_EXISTS = re.compile(rf"(attribute_exists|attribute_not_exists)\(({_NAME})\)")
_COMPARED = re.compile(rf"({_NAME}) (=|<>|<|<=) (:\w+)")
_BEGINS = re.compile(rf"begins_with\(({_NAME}), (:\w+)\)")
_ONE_OF = re.compile(rf"({_NAME}) IN \(([^)]*)\)")
_SET = re.compile(r"(?:if_not_exists\(([^,]+), (:\w+)\)|(#?\w+) \+ (:\w+)|(:\w+))$")

Test = Callable[[Item, Mapping[str, str], Mapping[str, Any]], bool]


def failed_condition(item: Item | None, *, with_item: bool) -> ClientError:
    """As boto3 raises it, with the old item where it was asked for."""
    answer: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "simulated"}}
    if with_item and item is not None:
        answer["Item"] = item
    return ClientError(answer, "PutItem")


class SimulatedDynamoDb:
    """Two tables with conditional writes and transactions; `wrote(table, old, new)` sees each."""

    def __init__(self, wrote: Wrote) -> None:
        self._wrote = wrote
        self.tables: dict[str, dict[str, Item]] = {"payments": {}, "events": {}}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        """Consistent reads only; a schedule's throttles come from the hazards."""
        found: dict[str, list[Item]] = {}
        for table, asked in RequestItems.items():
            if not asked["ConsistentRead"]:
                raise NotImplementedError("a stale read")
            keys = [key[KEY_OF[table]]["S"] for key in asked["Keys"]]
            found[table] = [self.tables[table][k] for k in keys if k in self.tables[table]]
        return {"Responses": found, "UnprocessedKeys": {}}

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        """One consistent read."""
        if not ConsistentRead:
            raise NotImplementedError("a stale read")
        item = self.tables[TableName].get(Key[KEY_OF[TableName]]["S"])
        return {"Item": item} if item is not None else {}

    def query(self, *, ExpressionAttributeValues: Mapping[str, Any], **asked: Any) -> Any:  # noqa: N803 - boto3's own names
        """The index over the markers, whole pages only."""
        if (
            asked["IndexName"] != "todo"
            or asked["KeyConditionExpression"] != "todo = :todo AND touched_at < :before"
        ):
            raise NotImplementedError(asked)
        todo, before = (ExpressionAttributeValues[name]["S"] for name in (":todo", ":before"))
        found = [
            {"event_id": {"S": i}}
            for i, item in self.tables[asked["TableName"]].items()
            if item.get("todo", {"S": ""})["S"] == todo and item["touched_at"]["S"] < before
        ]
        return {"Items": found}

    def put_item(
        self,
        *,
        ReturnValuesOnConditionCheckFailure: str = "NONE",  # noqa: N803 - boto3's own names
        **write: Any,
    ) -> None:
        """One write under its condition."""
        old = self._old(write, write["Item"])
        if not _holds(old, write):
            raise failed_condition(old, with_item=ReturnValuesOnConditionCheckFailure == "ALL_OLD")
        self._put(write, old)

    def update_item(self, **write: Any) -> dict[str, Any]:
        """One update under its condition."""
        old = self._old(write, write["Key"])
        if not _holds(old, write):
            raise failed_condition(old, with_item=False)
        return {"Attributes": self._update(write, old)}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803 - boto3's own names
        """All or nothing; an item named twice is refused, as DynamoDB does."""
        actions = [next(iter(action.items())) for action in TransactItems]
        olds = [self._old(write, write.get("Item") or write["Key"]) for _, write in actions]
        names = [
            (
                write["TableName"],
                (write.get("Item") or write["Key"])[KEY_OF[write["TableName"]]]["S"],
            )
            for _, write in actions
        ]
        if len(names) != len(set(names)):
            raise ValueError(f"two actions on one item: {names}")
        holds = [_holds(old, write) for (_, write), old in zip(actions, olds, strict=True)]
        if not all(holds):
            reasons = [{"Code": "None" if fine else "ConditionalCheckFailed"} for fine in holds]
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "simulated"},
                "CancellationReasons": reasons,
            }
            raise ClientError(answer, "TransactWriteItems")
        for (kind, write), old in zip(actions, olds, strict=True):
            if kind == "Put":
                self._put(write, old)
            elif kind == "Update":
                self._update(write, old)
            elif kind != "ConditionCheck":
                raise NotImplementedError(kind)

    def _old(self, write: Mapping[str, Any], names: Item) -> Item | None:
        table = write["TableName"]
        return self.tables[table].get(names[KEY_OF[table]]["S"])

    def _put(self, write: Mapping[str, Any], old: Item | None) -> None:
        table, item = write["TableName"], write["Item"]
        self.tables[table][item[KEY_OF[table]]["S"]] = item
        self._wrote(table, old, item)

    def _update(self, write: Mapping[str, Any], old: Item | None) -> Item:
        table = write["TableName"]
        item = {**(old or {}), **write["Key"]}
        names = write.get("ExpressionAttributeNames", {})
        values = write.get("ExpressionAttributeValues", {})
        expression = write["UpdateExpression"]
        rest, _, removed = expression.partition(" REMOVE ")
        sets, _, adds = rest.removeprefix("SET ").partition(" ADD ")
        for part in re.split(r", (?![^(]*\))", sets):
            name, _, value = part.partition(" = ")
            item[names.get(name, name)] = _value_of(value, item, names, values)
        for name in removed.split(", ") if removed else ():
            item.pop(names.get(name, name), None)
        if adds:
            name, _, value = adds.partition(" ")
            item[name] = _sum(item.get(name), values[value])
        self.tables[table][item[KEY_OF[table]]["S"]] = item
        self._wrote(table, old, item)
        return item


def _value_of(
    value: str, item: Item, names: Mapping[str, str], values: Mapping[str, Any]
) -> dict[str, Any]:
    found = _SET.match(value)
    if found is None:
        raise NotImplementedError(value)
    absent, otherwise, base, more, plain = found.groups()
    if absent:
        name = names.get(absent, absent)
        return dict(item[name] if name in item else values[otherwise])
    if base:
        return _sum(item[names.get(base, base)], values[more])
    return dict(values[plain])


def _sum(base: Mapping[str, str] | None, more: Mapping[str, str]) -> dict[str, Any]:
    return {"N": str((int(base["N"]) if base else 0) + int(more["N"]))}


def _holds(item: Item | None, write: Mapping[str, Any]) -> bool:
    expression = write.get("ConditionExpression")
    if expression is None:
        return True
    names = write.get("ExpressionAttributeNames", {})
    values = write.get("ExpressionAttributeValues", {})
    return any(
        all(test(item or {}, names, values) for test in tests) for tests in _tests_of(expression)
    )


@lru_cache(maxsize=200)
def _tests_of(expression: str) -> list[list[Test]]:
    """OR of ANDs, no deeper: our adapters use no more."""
    return [[_test_of(part) for part in way.split(" AND ")] for way in expression.split(" OR ")]


def _test_of(part: str) -> Test:
    if found := _EXISTS.fullmatch(part):
        wanted, name = found[1] == "attribute_exists", found[2]
        return lambda item, names, _: (names.get(name, name) in item) is wanted
    if found := _BEGINS.fullmatch(part):
        begun, start = found[1], found[2]
        return lambda item, names, values: item.get(names.get(begun, begun), {"S": ""})[
            "S"
        ].startswith(values[start]["S"])
    if found := _COMPARED.fullmatch(part):
        left, sign, right = found[1], found[2], found[3]
        return lambda item, names, values: _compare(
            item.get(names.get(left, left)), sign, values[right]
        )
    if found := _ONE_OF.fullmatch(part):
        one, many = found[1], found[2].split(", ")
        return lambda item, names, values: (
            item.get(names.get(one, one)) in [values[name] for name in many]
        )
    raise NotImplementedError(part)


def _compare(found: Mapping[str, str] | None, sign: str, value: Mapping[str, str]) -> bool:
    if sign == "=":
        return found == value
    if sign == "<>":
        return found != value
    if found is None or "N" not in found:
        return False
    left, right = Decimal(found["N"]), Decimal(value["N"])
    return left < right if sign == "<" else left <= right
