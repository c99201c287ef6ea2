"""Objects in the shapes of older API versions, as the pinned version writes them.

An endpoint keeps the version that it was made with, and an event the one of its creation. Objects
are told by their shape and not by the event's `api_version`, which old events do not carry. Only
what rules read is moved; what was added since is absent in no version. Nothing here raises: a
payload of any shape may come in by the receiver.
"""

from collections.abc import Callable, Mapping
from typing import Any

_Object = Mapping[str, Any]


def upcast(found: _Object) -> _Object:
    """The object in today's shape; the same object where it is in it already."""
    caster = _CASTERS.get(str(found.get("object")))
    changes = caster(found) if caster else {}
    return {**found, **changes} if changes else found


def _intent(found: _Object) -> dict[str, Any]:
    """2019-02-11 renamed two statuses, 2022-11-15 left the newest of the charges.

    https://docs.stripe.com/changelog#2019-02-11, https://docs.stripe.com/changelog#2022-11-15
    """
    changes: dict[str, Any] = _renamed_status(found, _INTENT_STATUSES)
    if "latest_charge" not in found and "charges" in found:
        charges = [c for c in _entries(found["charges"]) if isinstance(c.get("created"), int)]
        newest = max(charges, key=lambda charge: charge["created"], default=None)
        changes["latest_charge"] = newest and newest.get("id")
    return changes


def _setup_intent(found: _Object) -> dict[str, Any]:
    """2019-02-11, as payment intents."""
    return _renamed_status(found, _INTENT_STATUSES)


def _charge(found: _Object) -> dict[str, Any]:
    """2015-02-18 renamed a status; until 2014-06-17 refunds were no list object."""
    changes: dict[str, Any] = _renamed_status(found, {"paid": "succeeded"})
    refunds = found.get("refunds")
    if isinstance(refunds, list):
        changes["refunds"] = {"object": "list", "data": refunds, "has_more": False}
    return changes


def _invoice(found: _Object) -> dict[str, Any]:
    """2018-11-08 put a status in the place of three flags, 2025-03-31.basil a parent for the links.

    https://docs.stripe.com/changelog/2018-11-08/mark-invoice-uncollectible-instead-forgiven
    https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
    """
    changes: dict[str, Any] = {}
    if found.get("status") is None and "closed" in found:
        changes["status"] = _status_by_flags(found)
    if "created" not in found and "date" in found:
        changes["created"] = found["date"]
    if "parent" not in found and "subscription" in found:
        changes["parent"] = _parent(found)
    return changes


def _status_by_flags(found: _Object) -> str:
    """A closed invoice that nobody paid is one that is not collected any more: it is still open."""
    if found.get("paid") is True:
        return "paid"
    if found.get("forgiven") is True:
        return "uncollectible"
    is_begun = found.get("attempted") is True or found.get("closed") is True
    return "open" if is_begun else "draft"


def _parent(found: _Object) -> _Object | None:
    if not found["subscription"]:
        return None
    details = found.get("subscription_details")
    if isinstance(details, Mapping):
        metadata = details.get("metadata")
    else:
        # Until 2023-08-16 only the lines showed what their subscription is marked with.
        lines = [line for line in _entries(found.get("lines")) if line.get("type") == _SUBSCRIPTION]
        metadata = lines[0].get("metadata") if lines else None
    return {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {"metadata": metadata, "subscription": found["subscription"]},
    }


def _subscription(found: _Object) -> dict[str, Any]:
    """2020-03-02 called a plan a price, 2025-03-31.basil gave each item a period of its own.

    https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end
    """
    items = found.get("items")
    rows = items.get("data") if isinstance(items, Mapping) else None
    if not isinstance(items, Mapping) or not isinstance(rows, list):
        return {}
    whole = [_item(row, found) if isinstance(row, Mapping) else row for row in rows]
    return {"items": {**items, "data": whole}} if whole != rows else {}


def _item(row: _Object, subscription: _Object) -> _Object:
    changes: dict[str, Any] = {}
    plan = row.get("plan")
    if "price" not in row and isinstance(plan, Mapping):
        # A plan's id is a price's id; what rules do not read is left with the plan.
        changes["price"] = {"id": plan.get("id"), "object": "price"}
    for bound in ("current_period_start", "current_period_end"):
        if bound not in row and bound in subscription:
            changes[bound] = subscription[bound]
    return {**row, **changes} if changes else row


def _renamed_status(found: _Object, names: Mapping[str, str]) -> dict[str, Any]:
    status = found.get("status")
    return {"status": names[status]} if isinstance(status, str) and status in names else {}


def _entries(value: object) -> list[_Object]:
    """The objects of a list object."""
    rows = value.get("data") if isinstance(value, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


_SUBSCRIPTION = "subscription"
_INTENT_STATUSES = {
    "requires_source": "requires_payment_method",
    "requires_source_action": "requires_action",
}
_CASTERS: Mapping[str, Callable[[_Object], dict[str, Any]]] = {
    "charge": _charge,
    "invoice": _invoice,
    "payment_intent": _intent,
    "setup_intent": _setup_intent,
    _SUBSCRIPTION: _subscription,
}
