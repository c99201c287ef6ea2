"""The manifest of what each function may do at Stripe."""

from itertools import combinations

import pytest
from paidonce import rules
from paidonce.domain import permissions, rulebook
from paidonce.domain.permissions import (
    CHARGES,
    INTENTS,
    KEYS,
    PAYOUTS,
    USERS,
    Level,
    Permission,
    reads,
    writes,
)

rulebook.load(rules)


def test_write_includes_read_and_rows_are_apart() -> None:
    (read,), (write,), (other,) = reads(INTENTS), writes(INTENTS), writes(CHARGES)
    assert write.covers(read)
    assert not read.covers(write)
    assert not write.covers(other)
    assert (write.name, write.shown) == ("payment_intent_write", "PaymentIntents: Write")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_holds_what_its_functions_need_and_each_cell_once(key: str) -> None:
    ticked = permissions.of_key(key)
    for user in USERS:
        for needed in permissions.of_function(user).get(key, ()):
            assert any(one.covers(needed) for one in ticked)
    assert not [pair for pair in combinations(ticked, 2) if pair[0].row == pair[1].row]


@pytest.mark.parametrize("key", KEYS)
def test_about_ten_dangers_are_forbidden_and_none_of_them_needed(key: str) -> None:
    forbidden = permissions.forbidden_to(key)
    assert 9 <= len(forbidden) <= 14
    assert Permission(PAYOUTS, Level.WRITE) in forbidden
    assert not [p for p in forbidden if any(one.covers(p) for one in permissions.of_key(key))]


def test_only_the_key_of_refunds_can_refund() -> None:
    assert [k for k in KEYS if writes(CHARGES)[0] in permissions.of_key(k)] == ["refunds"]


def test_the_reader_writes_nothing_and_may_read_what_every_rule_fetches() -> None:
    ticked = permissions.of_key("reader")
    assert {p.level for p in ticked} == {Level.READ}
    for resource in rulebook.resources():
        assert reads(permissions.ROW_OF_RESOURCE[resource])[0] in ticked


def test_nobody_else_has_a_key() -> None:
    """The receiver verifies with secrets of its own; it never calls Stripe."""
    assert permissions.of_function("receive_webhook") == {}
    assert {key for user in USERS for key in permissions.of_function(user)} == set(KEYS)
