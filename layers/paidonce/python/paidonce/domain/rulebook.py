"""Which rule decides about which event type, and what a rule can say."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from paidonce.domain.ledger import Outcome
from paidonce.domain.payment import Payment
from paidonce.domain.sighting import Sighting


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a rule decided about one sighting.

    `payment` is the state after it. `outcome` is set only where the difference between the states
    does not tell (`superseded`); `reason` is a word for the ledger; `notices` are domain events
    (type, Stripe's object id) beside those that the change itself tells; `alarms` are metrics.
    """

    payment: Payment
    outcome: Outcome | None = None
    reason: str | None = None
    notices: tuple[tuple[str, str], ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchFirst:
    """The payload cannot decide: read the object at Stripe and ask the rule again."""

    object_id: str


Decide = Callable[[Payment, Sighting], Verdict | FetchFirst]
F = TypeVar("F", bound=Decide)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One event type's rule; `resource` is what to fetch when a payload cannot decide."""

    event_type: str
    resource: str
    decide: Decide


Outdates = Callable[[Mapping[str, Any]], tuple[str, ...]]
N = TypeVar("N", bound=Outdates)


@dataclass(frozen=True, kw_only=True)
class CatalogueRule:
    """One event type that changes no row of ours: `names` are the catalogue entries it outdates."""

    event_type: str
    resource: str
    names: Outdates


_RULES: dict[str, Rule] = {}
_CATALOGUE_RULES: dict[str, CatalogueRule] = {}


def decides(*event_types: str, resource: str) -> Callable[[F], F]:
    """Register a pure function as the rule of these event types; one rule per type."""

    def register(decide: F) -> F:
        for event_type in event_types:
            _refuse_second(event_type)
            _RULES[event_type] = Rule(event_type=event_type, resource=resource, decide=decide)
        return decide

    return register


def outdates(*event_types: str, resource: str) -> Callable[[N], N]:
    """Register a pure function that names what these events outdate in the catalogue."""

    def register(names: N) -> N:
        for event_type in event_types:
            _refuse_second(event_type)
            _CATALOGUE_RULES[event_type] = CatalogueRule(
                event_type=event_type, resource=resource, names=names
            )
        return names

    return register


def _refuse_second(event_type: str) -> None:
    if event_type in _RULES or event_type in _CATALOGUE_RULES:
        raise ValueError(f"{event_type} has two rules")


def load(package: ModuleType) -> None:
    """Import every module of a rules package, so that its rules are registered."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def rule_for(event_type: str) -> Rule | None:
    """The rule of this type, or None when nothing here decides about it."""
    return _RULES.get(event_type)


def catalogue_rule_for(event_type: str) -> CatalogueRule | None:
    """The catalogue's rule of this type, if it has one."""
    return _CATALOGUE_RULES.get(event_type)


def event_types() -> tuple[str, ...]:
    """Every type that has a rule: what is subscribed at Stripe, granted and replayed."""
    return tuple(sorted([*_RULES, *_CATALOGUE_RULES]))
