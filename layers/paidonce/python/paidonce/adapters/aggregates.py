"""Rows of every kind as DynamoDB items and back: the id's beginning says which kind an item is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from decimal import Decimal
from typing import Any

from paidonce.adapters import items
from paidonce.adapters.items import Item
from paidonce.domain.aggregate import Aggregate
from paidonce.domain.customer import Customer
from paidonce.domain.invoice import Invoice
from paidonce.domain.payment import LastError, Payment
from paidonce.domain.request import Request
from paidonce.domain.subscription import Line, Subscription

_KINDS: Mapping[str, type[Any]] = {"cus": Customer, "req": Request, "sub": Subscription}


def _invoice(stored: Mapping[str, Any]) -> Invoice:
    """As this release knows it: what a newer one wrote beside is left out."""
    names = {f.name for f in fields(Invoice)}
    known = {name: value for name, value in stored.items() if name in names}
    error = known.pop("error", None)
    return Invoice(**known, error=LastError(**error) if error else None)


# Fields that are more than one value: JSON text in the item, and how each is read from it.
_DOCUMENTS: Mapping[str, Callable[[Any], Any]] = {
    "call": items.read_call,
    "calls": lambda stored: tuple(items.read_call(each) for each in stored),
    "declined": lambda stored: LastError(**stored),
    "invoices": lambda stored: tuple(_invoice(each) for each in stored),
    "latest_invoice": _invoice,
    "lines": lambda stored: tuple(Line(**each) for each in stored),
}

_MAY_BE_NONE = {"user_id"}


def item_of(aggregate: Aggregate) -> Item:
    """The whole row of an aggregate."""
    if isinstance(aggregate, Payment):
        return items.payment_item(aggregate)
    if not is_dataclass(aggregate) or isinstance(aggregate, type):
        raise TypeError(f"{aggregate.id} is of no kind that has rows")
    known = {f.name: getattr(aggregate, f.name) for f in fields(aggregate) if f.name != "unknown"}
    for name in known.keys() & _DOCUMENTS.keys():
        known[name] = _text(known[name])
    unknown: Mapping[str, object] = getattr(aggregate, "unknown", {})
    return items.without_none({**unknown, **known, "schema": items.SCHEMA})


def read(item: Mapping[str, Any]) -> Aggregate:
    """The aggregate of an item, whatever its schema number."""
    kind = str(item["id"]["S"]).partition("_")[0]
    if kind == "pay":
        return items.read_payment(item)
    found = items.values_of(item)
    found.pop("schema", None)
    names = {f.name for f in fields(_KINDS[kind])}
    # What is absent is None, unless the field has a default of its own.
    known = dict.fromkeys(names & _MAY_BE_NONE)
    known |= {name: _value(name, found.pop(name)) for name in names & found.keys()}
    made: Aggregate = _KINDS[kind](**known, unknown=found)
    return made


def _text(value: object) -> str | None:
    """None for what is absent or empty: reading gives the default back."""
    if not value:
        return None
    several = [asdict(each) for each in value] if isinstance(value, tuple) else None
    document = asdict(value) if several is None else several  # type: ignore[call-overload]  # every document is a dataclass
    return json.dumps(document, separators=(",", ":"))


def _value(name: str, stored: Any) -> Any:
    if name in _DOCUMENTS:
        return _DOCUMENTS[name](json.loads(stored))
    return int(stored) if isinstance(stored, Decimal) else stored
