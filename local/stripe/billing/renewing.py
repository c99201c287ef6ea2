"""The billing engine: what a subscription does when its time comes."""

from local.stripe.accounts import Account
from local.stripe.billing import collecting, invoicing, items, lines, pausing, subscribing
from local.stripe.billing.intervals import later
from local.stripe.shapes import Json, public

_HOUR = 3600
_DAY = 24 * _HOUR
# Stripe tells three days before a trial ends, and seven before a renewal.
_TRIAL_NOTICE_SECONDS = 3 * _DAY
_UPCOMING_SECONDS = 7 * _DAY
# A renewal's draft is finalized after about an hour.
_DRAFT_SECONDS = _HOUR
_INCOMPLETE_SECONDS = 23 * _HOUR


def begin(account: Account, subscription: Json) -> None:
    """Sets the timers of a new subscription."""
    subscription_id = subscription["id"]
    timers = account.timers_for(subscription["customer"])
    if subscription["status"] == "incomplete":
        moment = subscription["created"] + _INCOMPLETE_SECONDS
        timers.at(moment, lambda: subscribing.expire(account, subscription_id))
    if subscription["trial_end"] and subscription["status"] == "trialing":
        notice = subscription["trial_end"] - _TRIAL_NOTICE_SECONDS
        timers.at(notice, lambda: _tell_trial_end(account, subscription_id))
    plan(account, subscription)


def plan(account: Account, subscription: Json) -> None:
    """Sets the timer of the current period's end, and of the notice before it."""
    subscription_id = subscription["id"]
    period = items.period_of(account, subscription)
    end = period["end"]
    timers = account.timers_for(subscription["customer"])
    timers.at(end, lambda: _renew(account, subscription_id, end))
    if end - period["start"] > _UPCOMING_SECONDS:
        timers.at(end - _UPCOMING_SECONDS, lambda: _tell_upcoming(account, subscription_id, end))


def _tell_trial_end(account: Account, subscription_id: str) -> None:
    subscription = account.store.find("subscription", subscription_id)
    if subscription is not None and subscription["status"] == "trialing":
        account.emit("customer.subscription.trial_will_end", subscription)


def _tell_upcoming(account: Account, subscription_id: str, end: int) -> None:
    subscription = account.store.find("subscription", subscription_id)
    current = subscription is not None and items.period_of(account, subscription)["end"] == end
    if subscription is None or not current or subscription["status"] not in {"active", "trialing"}:
        return
    if not subscription["cancel_at_period_end"]:
        invoice = preview(account, subscription)
        invoice.pop("id")
        account.emit("invoice.upcoming", invoice)


def preview(account: Account, subscription: Json) -> Json:
    """The next invoice as it would be now; nothing is kept."""
    store = account.store
    invoice = subscribing.draft_for(account, subscription, "upcoming")
    begin_at = items.period_of(account, subscription)["end"]
    made = []
    for item in items.of(account, subscription):
        end = later(
            begin_at, item["price"]["recurring"], anchor=subscription["billing_cycle_anchor"]
        )
        period = {"end": end, "start": begin_at}
        made.append(lines.for_subscription_item(account, invoice, item, period))
    made.extend(
        lines.for_item(account, invoice, pending)
        for pending in store.oldest("invoiceitem")
        if pending["invoice"] is None and pending["customer"] == subscription["customer"]
    )
    lines.retotal(account, invoice)
    invoice["period_end"] = begin_at
    invoice["next_payment_attempt"] = begin_at + _DRAFT_SECONDS
    for line in made:
        store.remove("line_item", line["id"])
    store.remove("invoice", invoice["id"])
    shown: Json = public(invoice)
    shown["id"] = f"upcoming_{invoice['id']}"
    return shown


def _renew(account: Account, subscription_id: str, end: int) -> None:
    """The period is over: cancel, or begin the next one and bill it."""
    present = account.store.find("subscription", subscription_id)
    if present is None or present["status"] not in {"active", "trialing", "past_due"}:
        return
    if items.period_of(account, present)["end"] != end:
        return
    subscription = account.store.edit("subscription", subscription_id)
    if subscription["cancel_at_period_end"]:
        details = subscription["cancellation_details"] or {}
        kept = {name: details.get(name) for name in ("comment", "feedback", "feedback_option")}
        subscribing.end(account, subscription, "cancellation_requested", kept)
        return
    if subscription["status"] == "trialing" and stops_without_method(account, subscription):
        return
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
        subscription["billing_cycle_anchor"] = end
    items.set_period(account, subscription, end)
    invoice = subscribing.bill_period(account, subscription, "subscription_cycle")
    account.emit_update("customer.subscription.updated", subscription)
    invoice_id = invoice["id"]
    timers = account.timers_for(subscription["customer"])
    timers.at(end + _DRAFT_SECONDS, lambda: _advance_draft(account, invoice_id))
    plan(account, subscription)


def stops_without_method(account: Account, subscription: Json) -> bool:
    """At a trial's end without a method: `trial_settings` say cancel, pause or go on."""
    customer = account.store.get("customer", subscription["customer"])
    has_method = (
        subscription["default_payment_method"]
        or (customer["invoice_settings"] or {}).get("default_payment_method")
        or customer["default_source"]
    )
    settings = (subscription["trial_settings"] or {}).get("end_behavior") or {}
    behavior = settings.get("missing_payment_method", "create_invoice")
    if has_method or behavior == "create_invoice":
        return False
    if behavior == "cancel":
        subscribing.end(account, subscription, "payment_failed")
    else:
        pausing.pause(account, subscription, "trial_end_without_payment_method")
    return True


def _advance_draft(account: Account, invoice_id: str) -> None:
    """Finalizes a renewal's draft and asks for the money, unless somebody stopped it."""
    present = account.store.find("invoice", invoice_id)
    if present is None or present["status"] != "draft" or not present["auto_advance"]:
        return
    if account.store.get("customer", present["customer"]).get("deleted"):
        return
    invoice = account.store.edit("invoice", invoice_id)
    details = invoice["parent"]["subscription_details"]
    subscription = account.store.find("subscription", details["subscription"])
    paused = (subscription or {}).get("pause_collection")
    if paused and paused["behavior"] == "keep_as_draft":
        return
    subscribing.finalize(account, invoice)
    if invoice["status"] != "open":
        return
    if paused:
        ending = invoicing.void if paused["behavior"] == "void" else invoicing.give_up
        ending(account, invoice)
    elif invoice["collection_method"] == "charge_automatically":
        collecting.try_to_collect(account, invoice)
