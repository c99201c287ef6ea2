"""Subscription items: docs.stripe.com/api/subscription_items."""

from local.stripe.billing import items, prorating
from local.stripe.call import Call, found
from local.stripe.errors import refused
from local.stripe.listing import listed
from local.stripe.router import route
from local.stripe.shapes import Json, clone, merged_metadata

KIND = "subscription_item"


@route("POST", "/v1/subscription_items")
def create(call: Call) -> Json:
    """One more item of a subscription."""
    present = found(
        call.account, "subscription", call.get("subscription"), param="subscription", status=400
    )
    subscription = _live(call, present["id"])
    period = items.period_of(call.account, subscription)
    item = items.new_item(call.account, subscription, call.params, 0)
    item["current_period_start"], item["current_period_end"] = period["start"], period["end"]
    _tell(call, subscription)
    return item


@route("GET", "/v1/subscription_items")
def index(call: Call) -> Json:
    """A subscription's items, newest first."""
    wanted = call.get("subscription")
    return listed(call, KIND, lambda row: row["subscription"] == wanted)


@route("GET", "/v1/subscription_items/{item}")
def retrieve(call: Call) -> Json:
    """One item."""
    return call.named(KIND, "item")


@route("POST", "/v1/subscription_items/{item}")
def update(call: Call) -> Json:
    """Another price or quantity, with proration unless it is turned off."""
    item = call.edited(KIND, "item")
    before = clone(item)
    subscription = _live(call, item["subscription"])
    if call.get("price"):
        item["price"] = items.price_for(call.account, call.params, "")
    item["quantity"] = call.get("quantity", item["quantity"])
    item["metadata"] = merged_metadata(item["metadata"], call.get("metadata"))
    changes = items.amount_of(item) != items.amount_of(before)
    if changes and call.get("proration_behavior", "create_prorations") != "none":
        prorating.prorate(call.account, subscription, before, item)
    _tell(call, subscription)
    return item


@route("DELETE", "/v1/subscription_items/{item}")
def delete(call: Call) -> Json:
    """Takes an item away; the last one stays."""
    item = call.named(KIND, "item")
    subscription = _live(call, item["subscription"])
    if len(items.of(call.account, subscription)) == 1:
        raise refused(
            "A subscription must have at least one active item. To cancel the subscription, delete"
            " the subscription instead."
        )
    if call.get("proration_behavior", "create_prorations") != "none":
        prorating.prorate(call.account, subscription, clone(item), None)
    call.store.remove(KIND, item["id"])
    _tell(call, subscription)
    return {"id": item["id"], "object": KIND, "deleted": True}


def _live(call: Call, subscription_id: str) -> Json:
    """The subscription, to be changed; 400 when it has ended."""
    subscription = call.store.edit("subscription", subscription_id)
    if subscription["status"] in {"canceled", "incomplete_expired"}:
        raise refused(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    return subscription


def _tell(call: Call, subscription: Json) -> None:
    items.show(call.account, subscription)
    call.account.emit_update("customer.subscription.updated", subscription)
