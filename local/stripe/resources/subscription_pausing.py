"""Pausing and resuming subscriptions: docs.stripe.com/billing/subscriptions/pause."""

from local.stripe.billing import collecting, items, pausing, prorating, renewing, subscribing
from local.stripe.call import Call
from local.stripe.errors import refused
from local.stripe.router import route
from local.stripe.shapes import Json, clone

KIND = "subscription"


@route("POST", "/v1/subscriptions/{subscription}/pause")
def pause(call: Call) -> Json:
    """Stops service and invoices; unused time is credited unless the request says otherwise."""
    subscription = call.edited(KIND, "subscription")
    if subscription["status"] not in {"active", "past_due"}:
        raise refused(f"You cannot pause a subscription with a status of {subscription['status']}.")
    wanted = (call.get("bill_for") or {}).get("unused_time_from") or {"type": "now"}
    if wanted["type"] != "none":
        for item in items.of(call.account, subscription):
            prorating.prorate(call.account, subscription, clone(item), None)
    if call.get("invoicing_behavior") == "invoice":
        subscribing.bill_changes(call.account, subscription)
    pausing.pause(call.account, subscription, "pause_requested")
    return subscription


@route("POST", "/v1/subscriptions/{subscription}/resume")
def resume(call: Call) -> Json:
    """Begins a paused subscription's next period now, and bills it.

    With `resume_on_payment_success` it stays paused until that invoice is paid.
    """
    subscription = call.edited(KIND, "subscription")
    if subscription["status"] != "paused":
        raise refused("You can only resume a subscription that is paused.")
    account = call.account
    now = account.now_for(subscription["customer"])
    subscription["billing_cycle_anchor"] = now
    items.set_period(account, subscription, now)
    invoice = subscribing.bill_period(account, subscription, "subscription_cycle")
    if call.get("payment_behavior") != "resume_on_payment_success":
        pausing.resume(account, subscription)
        subscribing.finalize(account, invoice)
    else:
        subscription["_resumes_with"] = invoice["id"]
        subscribing.finalize(account, invoice)
        if invoice["status"] == "open":
            collecting.try_to_collect(account, invoice)
    account.emit_update("customer.subscription.updated", subscription)
    renewing.plan(account, subscription)
    return subscription
