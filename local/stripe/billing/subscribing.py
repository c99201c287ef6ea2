"""Subscriptions: begun, invoiced, changed, paused, ended."""

from local.stripe.accounts import Account
from local.stripe.billing import collecting, invoicing, items, lines, pausing
from local.stripe.errors import StripeError, refused
from local.stripe.shapes import Json

_DAY = 24 * 3600
_ENDED = ("canceled", "incomplete_expired")


def first_invoice(account: Account, subscription: Json, behavior: str) -> None:
    """Bills the first period; what the card says decides the status."""
    free = subscription["status"] == "trialing"
    invoice = bill_period(account, subscription, "subscription_create", free=free)
    if subscription["collection_method"] == "send_invoice":
        subscription["status"] = "trialing" if free else "active"
        return
    if not free and invoice["amount_due"]:
        subscription["status"] = "incomplete"
    finalize(account, invoice)
    if invoice["status"] == "paid" or behavior == "default_incomplete":
        return
    try:
        collecting.collect(account, invoice)
    except StripeError as error:
        if behavior == "error_if_incomplete":
            error.keeps_changes = False
            raise
        if not error.keeps_changes:
            raise


def finalize(account: Account, invoice: Json) -> None:
    """Finalizes; an invoice over nothing is paid by that, and whoever waits is told."""
    invoicing.finalize(account, invoice)
    if invoice["status"] == "paid":
        for follow in collecting.AFTER_PAID:
            follow(account, invoice)


def bill_period(account: Account, subscription: Json, reason: str, *, free: bool = False) -> Json:
    """A draft over the current period of each item, with what was waiting."""
    invoice = draft_for(account, subscription, reason)
    for item in items.of(account, subscription):
        period = {"end": item["current_period_end"], "start": item["current_period_start"]}
        lines.for_subscription_item(account, invoice, item, period, free=free)
    invoicing.take_pending_items(account, invoice, subscription["id"])
    lines.retotal(account, invoice)
    subscription["latest_invoice"] = invoice["id"]
    account.emit("invoice.created", invoice)
    return invoice


def bill_changes(account: Account, subscription: Json) -> Json | None:
    """An invoice at once over waiting prorations; None when there are none."""
    invoice = draft_for(account, subscription, "subscription_update")
    if not invoicing.take_pending_items(account, invoice, subscription["id"]):
        account.store.remove("invoice", invoice["id"])
        return None
    lines.retotal(account, invoice)
    subscription["latest_invoice"] = invoice["id"]
    account.emit("invoice.created", invoice)
    finalize(account, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        collecting.try_to_collect(account, invoice)
    return invoice


def draft_for(account: Account, subscription: Json, reason: str) -> Json:
    """An empty draft in a subscription's name."""
    customer = account.store.get("customer", subscription["customer"])
    owners = [*subscription["discounts"], *customer.get("_discounts", [])]
    invoice = invoicing.draft(
        account,
        customer,
        billing_reason=reason,
        collection_method=subscription["collection_method"],
        currency=subscription["currency"],
        discounts=owners,
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
    )
    invoice["_days_until_due"] = subscription["days_until_due"]
    return invoice


def invoice_paid(account: Account, invoice: Json) -> None:
    """A paid invoice makes an unfinished or late subscription active."""
    subscription = _behind(account, invoice)
    if subscription is None:
        return
    if subscription.get("_resumes_with") == invoice["id"]:
        pausing.resume(account, subscription)
        account.emit_update("customer.subscription.updated", subscription)
        return
    late = subscription["status"] in {"past_due", "unpaid"}
    if subscription["status"] == "incomplete" or (
        late and subscription["latest_invoice"] == invoice["id"]
    ):
        subscription["status"] = "active"
        _save_method(account, subscription, invoice)
        account.emit_update("customer.subscription.updated", subscription)


def invoice_failed(account: Account, invoice: Json) -> None:
    """A failed renewal makes a subscription past due, and after the last attempt ends it."""
    subscription = _behind(account, invoice)
    if subscription is None or invoice["billing_reason"] != "subscription_cycle":
        return
    if subscription["status"] == "active":
        subscription["status"] = "past_due"
        account.emit_update("customer.subscription.updated", subscription)
    if invoice["attempt_count"] > len(collecting.RETRY_DAYS):
        end(account, subscription, "payment_failed")


collecting.AFTER_PAID.append(invoice_paid)
collecting.AFTER_FAILED.append(invoice_failed)


def end(account: Account, subscription: Json, reason: str, details: Json | None = None) -> None:
    """Ends a subscription now."""
    if subscription["status"] in _ENDED:
        raise refused(
            f"No such subscription: '{subscription['id']}'", code="resource_missing", param="id"
        )
    now = account.now_for(subscription["customer"])
    subscription.update(
        canceled_at=subscription["canceled_at"] or now,
        cancel_at_period_end=False,
        cancellation_details={**no_details(), **(details or {}), "reason": reason},
        ended_at=now,
        status="canceled",
    )
    account.emit("customer.subscription.deleted", subscription)


def expire(account: Account, subscription_id: str) -> None:
    """A subscription whose first invoice was not paid for 23 hours."""
    present = account.store.find("subscription", subscription_id)
    if present is None or present["status"] != "incomplete":
        return
    subscription = account.store.edit("subscription", subscription_id)
    subscription.update(
        status="incomplete_expired", ended_at=account.now_for(subscription["customer"])
    )
    invoice = account.store.find("invoice", subscription["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoicing.void(account, account.store.edit("invoice", invoice["id"]))
    account.emit_update("customer.subscription.updated", subscription)


def no_details() -> Json:
    """`cancellation_details` of who did not cancel."""
    return {"comment": None, "feedback": None, "feedback_option": None, "reason": None}


def _behind(account: Account, invoice: Json) -> Json | None:
    details = (invoice["parent"] or {}).get("subscription_details")
    present = account.store.find("subscription", details and details["subscription"])
    if present is None or present["status"] in _ENDED:
        return None
    return account.store.edit("subscription", present["id"])


def _save_method(account: Account, subscription: Json, invoice: Json) -> None:
    """With `save_default_payment_method` the method that paid becomes the subscription's."""
    settings = subscription["payment_settings"] or {}
    intent = invoicing.intent_of(account, invoice)
    if settings.get("save_default_payment_method") == "on_subscription" and intent is not None:
        subscription["default_payment_method"] = intent["payment_method"]
