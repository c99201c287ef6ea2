"""DynamoDB's units by its own rules."""

from collections import Counter
from typing import Any

import pytest

from local.aws import capacity

SMALL = {"id": {"S": "pay_1"}, "status": {"S": "paid"}}
LARGE = {"id": {"S": "pay_2"}, "params": {"S": "x" * 1500}}
ROW = {"event_id": {"S": "evt_1"}, "aggregate_id": {"S": "pay_1"}, "todo": {"S": "publish#0"}}
STATE, LEDGER = "paidonce-local-payments", "paidonce-local-events"


def counted(operation: str, said: Any) -> dict[str, float]:
    found: Counter[str] = Counter()
    for kind, units in capacity.of(operation, said):
        found[kind] += units  # type: ignore[assignment] # halves
    return dict(found)


@pytest.mark.parametrize(
    ("operation", "said", "units"),
    [
        ("GetItem", {"ConsistentRead": True}, {"read": 1}),
        ("GetItem", {}, {"read": 0.5}),
        (
            "BatchGetItem",
            {"RequestItems": {STATE: {"ConsistentRead": True, "Keys": [{}, {}]}}},
            {"read": 2},
        ),
        ("Query", {"TableName": LEDGER}, {"read": 0.5}),
        ("PutItem", {"TableName": STATE, "Item": SMALL}, {"write": 1}),
        ("PutItem", {"TableName": STATE, "Item": LARGE}, {"write": 2}),
        ("PutItem", {"TableName": LEDGER, "Item": ROW}, {"write": 1, "index_write": 2}),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": STATE, "Item": LARGE}},
                    {"Put": {"TableName": LEDGER, "Item": ROW}},
                ]
            },
            {"write": 6, "index_write": 2},
        ),
        ("DescribeTable", {"TableName": STATE}, {}),
    ],
)
def test_units_are_those_of_the_manual(operation: str, said: Any, units: dict[str, float]) -> None:
    assert counted(operation, said) == units


def test_an_update_costs_what_the_whole_item_does() -> None:
    counted("PutItem", {"TableName": STATE, "Item": LARGE})
    key = {"TableName": STATE, "Key": {"id": {"S": "pay_2"}}, "UpdateExpression": "SET a = :a"}
    assert counted("UpdateItem", key) == {"write": 2}


def test_a_marker_that_goes_is_a_write_of_its_index() -> None:
    key = {"event_id": {"S": "evt_9"}}
    said = {"TableName": LEDGER, "Key": key, "UpdateExpression": "REMOVE todo, touched_at"}
    assert counted("UpdateItem", said) == {"write": 1, "index_write": 1}
