"""What a call of DynamoDB costs in units of capacity, by AWS's rules and the call's own words.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
A write is one unit for each KB of the item, twice that in a transaction; a consistent read is one
for each 4 KB, another half of that. Entries of an index are keys only: one unit each. Our items are
below 4 KB, so each read is counted as one.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.patching import JsonObject

PREFIX = "DynamoDB_20120810."
_KB = 1024
# Attributes that an index of ours has for its partition (infra/stacks/storage.py).
_INDEXED = ("todo", "aggregate_id")
_TRANSACTION = 2

# A page of an index, read as it lately was.
_QUERY_UNITS = 0.5

units: Counter[str] = Counter()
# How large an item was when it was last put: an update names only what it changes.
_sizes: dict[str, int] = {}


def note(target: str, body: bytes) -> None:
    """Count what this call asks for; a call that is no call of DynamoDB counts nothing."""
    if not target.startswith(PREFIX):
        return
    for kind, count in of(target.removeprefix(PREFIX), json.loads(body)):
        # Halves are exact in a float.
        units[kind] += count  # type: ignore[assignment] # Counter is typed for whole numbers


def of(operation: str, said: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """`read`, `write` or `index_write`, and how many units."""
    match operation:
        case "GetItem":
            yield "read", 1 if said.get("ConsistentRead") else _QUERY_UNITS
        case "BatchGetItem":
            for asked in said["RequestItems"].values():
                each = 1 if asked.get("ConsistentRead") else _QUERY_UNITS
                yield "read", each * len(asked["Keys"])
        case "Query":
            yield "read", _QUERY_UNITS
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield from _write(said, factor=1)
        case "TransactWriteItems":
            for action in said["TransactItems"]:
                for write in action.values():
                    yield from _write(write, factor=_TRANSACTION)


def _write(said: Mapping[str, Any], *, factor: int) -> Iterator[tuple[str, float]]:
    item: JsonObject = said.get("Item") or {}
    if item:
        size = _size(item)
        _sizes[_name(said["TableName"], item)] = size
    else:
        size = _sizes.get(_name(said["TableName"], said["Key"]), 1)
    yield "write", factor * -(-size // _KB)
    changed = said.get("UpdateExpression", "")
    entries = sum(name in item or name in changed for name in _INDEXED)
    if entries and said["TableName"].endswith("-events"):
        yield "index_write", entries


def _name(table: str, key: Mapping[str, Any]) -> str:
    found = key.get("id") or key.get("event_id") or {}
    return f"{table} {found.get('S')}"


def _size(item: Mapping[str, Any]) -> int:
    """Names and values as text; near enough for whole KB."""
    return sum(
        len(name) + len(next(iter(map(str, value.values())))) for name, value in item.items()
    )
