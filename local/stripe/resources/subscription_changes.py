"""What an update does to a subscription, in the order in which Stripe does it."""

from local.stripe.billing import collecting, discounts, items, prorating, renewing, subscribing
from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.payments import methods
from local.stripe.shapes import Json, clone, merged_metadata
from local.stripe.spec.taking import take


def changed(call: Call, subscription: Json) -> None:
    """Applies an update's parameters."""
    params = call.params
    subscription["metadata"] = merged_metadata(subscription["metadata"], params.get("metadata"))
    take(subscription, params, ("description", "collection_method", "days_until_due"))
    _take_settings(call, subscription)
    if "discounts" in params or "coupon" in params:
        wanted = params.get("discounts") or [{"coupon": params.get("coupon", "")}]
        owner = {"customer": subscription["customer"], "subscription": subscription["id"]}
        subscription["discounts"] = discounts.from_params(call.account, wanted, **owner)
    _take_cancellation(call, subscription)
    if "items" in params:
        _change_items(call, subscription)
    if "trial_end" in params:
        _change_trial(call, subscription)


def _take_settings(call: Call, subscription: Json) -> None:
    params = call.params
    if params.get("default_payment_method"):
        given = params["default_payment_method"]
        method = methods.usable(call.account, given, "default_payment_method")
        subscription["default_payment_method"] = method["id"]
    for name in ("payment_settings", "trial_settings"):
        if params.get(name):
            emptied = {key: None if value == "" else value for key, value in params[name].items()}
            subscription[name] = {**(subscription[name] or {}), **emptied}
    if "pause_collection" in params:
        pause = params["pause_collection"]
        subscription["pause_collection"] = (
            {"behavior": pause["behavior"], "resumes_at": pause.get("resumes_at")}
            if pause
            else None
        )


def _take_cancellation(call: Call, subscription: Json) -> None:
    """`cancel_at_period_end` on and off again, and why."""
    given = call.get("cancellation_details")
    if given:
        subscription["cancellation_details"] = {**subscription["cancellation_details"], **given}
    wanted = call.get("cancel_at_period_end")
    if wanted is None or wanted == subscription["cancel_at_period_end"]:
        return
    now = call.account.now_for(subscription["customer"])
    end = items.period_of(call.account, subscription)["end"]
    subscription.update(
        cancel_at_period_end=wanted,
        canceled_at=now if wanted else None,
        cancel_at=end if wanted else None,
    )
    reason = "cancellation_requested" if wanted else None
    subscription["cancellation_details"] = {
        **subscription["cancellation_details"],
        "reason": reason,
    }


def _change_items(call: Call, subscription: Json) -> None:
    """Prices and quantities, with proration unless it is turned off."""
    account = call.account
    prorates = call.get("proration_behavior", "create_prorations")
    former_interval = _interval(items.of(account, subscription)[0])
    for place, wanted in enumerate(call.get("items")):
        if wanted.get("id"):
            _change_item(call, subscription, wanted, place, prorates)
        else:
            _add_item(call, subscription, wanted, place)
    rows = items.of(account, subscription)
    if not rows:
        raise invalid("A subscription must have at least one active item.", param="items")
    items.show(account, subscription)
    if _interval(rows[0]) != former_interval and subscription["status"] != "trialing":
        _restart_period(call, subscription)
    elif prorates == "always_invoice":
        subscribing.bill_changes(account, subscription)


def _change_item(call: Call, subscription: Json, wanted: Json, place: int, prorates: str) -> None:
    account = call.account
    present = found(
        account, "subscription_item", wanted["id"], param=f"items[{place}][id]", status=400
    )
    before = clone(present)
    if wanted.get("deleted"):
        if prorates != "none":
            prorating.prorate(account, subscription, before, None)
        account.store.remove("subscription_item", before["id"])
        return
    item = account.store.edit("subscription_item", before["id"])
    if wanted.get("price") or wanted.get("price_data"):
        item["price"] = items.price_for(account, wanted, f"items[{place}]")
    item["quantity"] = wanted.get("quantity", item["quantity"])
    item["metadata"] = merged_metadata(item["metadata"], wanted.get("metadata"))
    costs_other = items.amount_of(item) != items.amount_of(before)
    if prorates != "none" and (costs_other or item["price"]["id"] != before["price"]["id"]):
        prorating.prorate(account, subscription, before, item)


def _add_item(call: Call, subscription: Json, wanted: Json, place: int) -> None:
    period = items.period_of(call.account, subscription)
    item = items.new_item(call.account, subscription, wanted, place)
    item["current_period_start"] = period["start"]
    item["current_period_end"] = period["end"]


def _interval(item: Json) -> tuple[str, int]:
    recurring = item["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _restart_period(call: Call, subscription: Json) -> None:
    """Another interval begins a new period now, billed at once."""
    account = call.account
    now = account.now_for(subscription["customer"])
    subscription["billing_cycle_anchor"] = now
    items.set_period(account, subscription, now)
    invoice = subscribing.bill_period(account, subscription, "subscription_update")
    subscribing.finalize(account, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collecting.try_to_collect(account, invoice)
    renewing.plan(account, subscription)


def _change_trial(call: Call, subscription: Json) -> None:
    """`trial_end`: a later day, or `now`, which bills the first real period."""
    account = call.account
    now = account.now_for(subscription["customer"])
    wanted = call.get("trial_end")
    if wanted != "now":
        subscription.update(status="trialing", trial_end=wanted, billing_cycle_anchor=wanted)
        items.set_period(account, subscription, now, wanted)
        renewing.begin(account, subscription)
        return
    if subscription["status"] != "trialing":
        return
    subscription["trial_end"] = now
    if renewing.stops_without_method(account, subscription):
        return
    subscription.update(status="active", billing_cycle_anchor=now)
    items.set_period(account, subscription, now)
    invoice = subscribing.bill_period(account, subscription, "subscription_cycle")
    subscribing.finalize(account, invoice)
    if invoice["status"] == "open":
        collecting.try_to_collect(account, invoice)
    renewing.plan(account, subscription)
