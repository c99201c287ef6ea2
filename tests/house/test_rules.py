"""Every rule has its event, and no event two rules."""

import ast
import json
from collections import Counter
from pathlib import Path

import pytest
from paidonce import rules
from paidonce.domain import rulebook
from paidonce.domain.payment import Payment
from paidonce.domain.stripe_event import StripeEvent

from tests.house.tree import ROOT, dotted, parsed, python_files

EVENTS = ROOT / "tests" / "events" / "stripe"
rulebook.load(rules)


def decided_in(paths: list[Path]) -> Counter[str]:
    """How often each type stands in a `@decides(…)` or an `@outdates(…)`."""
    return Counter(
        argument.value
        for path in paths
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and dotted(node.func).endswith(("decides", "outdates"))
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )


def test_no_type_has_two_rules() -> None:
    decided = decided_in(python_files("layers/paidonce/python/paidonce/rules"))
    assert {event_type: n for event_type, n in decided.items() if n > 1} == {}
    assert sorted(decided) == list(rulebook.event_types())


def test_a_second_rule_for_a_type_stops_the_import() -> None:
    event_type = rulebook.event_types()[0]
    with pytest.raises(ValueError, match="has two rules"):
        rulebook.decides(event_type, resource="x", of=Payment)(
            lambda payment, _: rulebook.Verdict(after=payment)
        )


@pytest.mark.parametrize("event_type", rulebook.event_types())
def test_every_rule_has_an_event(event_type: str) -> None:
    """As the stand-in wrote it: `tests/events/stripe/<type>.json`."""
    payload = (EVENTS / f"{event_type}.json").read_bytes()
    event = StripeEvent.parse(payload)
    assert event.type == event_type
    rule = rulebook.rule_for(event_type) or rulebook.catalogue_rule_for(event_type)
    assert rule is not None
    assert event.object["object"] == rule.resource
    assert json.loads(payload)["object"] == "event"


def test_every_event_is_named_by_its_type() -> None:
    for path in EVENTS.glob("*.json"):
        assert json.loads(path.read_bytes())["type"] == path.stem
