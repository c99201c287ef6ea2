"""Which rule decides about which event type, and what a rule can say."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from paidonce.domain.aggregate import Aggregate
from paidonce.domain.ledger import DomainEvent, Outcome
from paidonce.domain.sighting import Sighting

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, kw_only=True)
class Verdict(Generic[A]):
    """What a rule decided about one sighting.

    `after` is the row's state after it. `outcome` is set only where the difference between the
    states does not tell (`superseded`); `reason` is a word for the ledger; `notices` are domain
    events (type, Stripe's object id) beside those that the change itself tells; `alarms` are
    metrics.
    """

    after: A
    outcome: Outcome | None = None
    reason: str | None = None
    notices: tuple[tuple[str, str], ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchFirst:
    """The payload cannot decide: read the object at Stripe and ask the rule again.

    `resource` is what kind of object that is, where it is another one than the event's own.
    """

    object_id: str
    resource: str | None = None


Decide = Callable[[A, Sighting], Verdict[A] | FetchFirst]
# The row that Stripe's object itself names, by its id; None where it names none.
Names = Callable[[Mapping[str, Any]], str | None]
# Is an event with this object about a row at all?
Only = Callable[[Mapping[str, Any]], bool]
# A row that nothing is known of yet (version 0), of an event's object; (object, ISO 8601 now).
Begins = Callable[[Mapping[str, Any], str], A]
# A row that was lost, begun anew: as `Begins`, and the last that the bus was told of it, if it was.
Restores = Callable[[Mapping[str, Any], str, DomainEvent | None], A]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One event type's rule.

    `resource` is Stripe's word for the event's object, and what to fetch when a payload cannot
    decide. `of` is the kind of row that it decides about. With `names` the row has an id of
    Stripe's, which the object tells; otherwise it is found by our marks and by pointers. With
    `begins` an event makes the row where it is absent; otherwise it waits for it. `restores` is the
    same of a reading, whose row was lost. `only`: events about other objects are ignored.
    `counts_foreign` is the metric of those that are nobody's of ours.

    Any: rules of all kinds of rows stand in one table; `decides` checks each against its own.
    """

    event_type: str
    resource: str
    decide: Decide[Any]
    of: type[Any]
    names: Names | None = None
    begins: Begins[Any] | None = None
    restores: Restores[Any] | None = None
    only: Only | None = None
    counts_foreign: str | None = None


Outdates = Callable[[Mapping[str, Any]], tuple[str, ...]]
N = TypeVar("N", bound=Outdates)


@dataclass(frozen=True, kw_only=True)
class CatalogueRule:
    """One event type that changes no row of ours: `names` are the catalogue entries it outdates."""

    event_type: str
    resource: str
    names: Outdates


_RULES: dict[str, Rule] = {}
# Rules of readings, by what the ids of such objects begin with.
_READINGS: dict[str, Rule] = {}
_CATALOGUE_RULES: dict[str, CatalogueRule] = {}


def decides(
    *event_types: str,
    resource: str,
    of: type[A],
    names: Names | None = None,
    begins: Begins[A] | None = None,
    reads: tuple[str, ...] = (),
    restores: Restores[A] | None = None,
    only: Only | None = None,
    counts_foreign: str | None = None,
) -> Callable[[Decide[A]], Decide[A]]:
    """Register a pure function as the rule of these event types; one rule per type (see `Rule`).

    `reads`: what ids begin with (`re_`) of the objects whose readings it decides about, too.
    `restores` begins a row where one was lost, for readings alone: an event waits for its row.
    """

    def register(decide: Decide[A]) -> Decide[A]:
        def rule(event_type: str, restores: Restores[A] | None = None) -> Rule:
            return Rule(
                event_type=event_type,
                resource=resource,
                decide=decide,
                of=of,
                names=names,
                begins=begins,
                restores=restores,
                only=only,
                counts_foreign=counts_foreign,
            )

        for event_type in event_types:
            _refuse_second(event_type)
            _RULES[event_type] = rule(event_type)
        for prefix in reads:
            if prefix in _READINGS:
                raise ValueError(f"readings of {prefix} have two rules")
            _READINGS[prefix] = rule(f"reading.{resource}", restores)
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
    """The rule of this type (an event's, or a reading's); None when nothing decides about it."""
    readings = (rule for rule in _READINGS.values() if rule.event_type == event_type)
    return _RULES.get(event_type) or next(readings, None)


def reading_rule_for(object_id: str) -> Rule | None:
    """The rule that decides about a reading of the object with this id of Stripe's."""
    return next((r for prefix, r in _READINGS.items() if object_id.startswith(prefix)), None)


def catalogue_rule_for(event_type: str) -> CatalogueRule | None:
    """The catalogue's rule of this type, if it has one."""
    return _CATALOGUE_RULES.get(event_type)


def event_types() -> tuple[str, ...]:
    """Every type that has a rule: what is subscribed at Stripe, granted and replayed."""
    return tuple(sorted([*_RULES, *_CATALOGUE_RULES]))


def resources() -> tuple[str, ...]:
    """What a rule may have to read at Stripe before it decides; a catalogue's never does."""
    return tuple(sorted({rule.resource for rule in _RULES.values()}))
