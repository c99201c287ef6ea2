"""Getting an invoice paid: by its customer's card, again after days, or by the customer."""

from collections.abc import Callable

from local.stripe.accounts import Account
from local.stripe.billing import invoicing
from local.stripe.errors import StripeError, refused
from local.stripe.payments import intents
from local.stripe.payments.intents import Confirmation
from local.stripe.shapes import Json

_DAY = 24 * 3600
# Days between the attempts for a renewal; after the last the subscription is canceled.
RETRY_DAYS = (3, 5, 7)

# What follows when an invoice was paid, or an attempt failed (subscriptions).
AFTER_PAID: list[Callable[[Account, Json], None]] = []
AFTER_FAILED: list[Callable[[Account, Json], None]] = []


def method_for(account: Account, invoice: Json) -> Json | None:
    """Whose turn it is to pay: the invoice's, the subscription's, the customer's method."""
    customer = account.store.find("customer", invoice["customer"]) or {}
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    subscription = account.store.find("subscription", details.get("subscription")) or {}
    for method_id in (
        invoice["default_payment_method"],
        subscription.get("default_payment_method"),
        (customer.get("invoice_settings") or {}).get("default_payment_method"),
        customer.get("default_source"),
    ):
        method = account.store.find("payment_method", method_id)
        if method is not None:
            return method
    return None


def collect(account: Account, invoice: Json, method: Json | None = None) -> None:
    """One attempt; StripeError 402 when the card says no (the invoice keeps the count)."""
    chosen = method or method_for(account, invoice)
    intent = invoicing.intent_of(account, invoice)
    if chosen is None or intent is None:
        raise refused(
            "Cannot charge a customer that has no default payment method. Please set a default"
            " payment method on the customer or pass one to this request.",
            code="missing",
        )
    edited = account.store.edit("payment_intent", intent["id"])
    intents.confirm(account, edited, chosen, Confirmation())
    if edited["status"] == "requires_action":
        _count_attempt(account, invoice)
        account.emit("invoice.payment_action_required", invoice)
        _tell_failed(account, invoice)


def pay_out_of_band(account: Account, invoice: Json) -> None:
    """The money came another way."""
    intent = invoicing.intent_of(account, invoice)
    if intent is not None and intent["status"] != "succeeded":
        edited = account.store.edit("payment_intent", intent["id"])
        intents.cancel(account, edited, "automatic")
    invoice["amount_paid_off_stripe"] = invoice["amount_due"]
    paid(account, invoice)


def paid(account: Account, invoice: Json) -> None:
    """Marks an invoice paid and tells whoever waits."""
    invoicing.mark_paid(account, invoice, attempted=True)
    for follow in AFTER_PAID:
        follow(account, invoice)


def try_to_collect(account: Account, invoice: Json) -> None:
    """An attempt that Stripe makes by itself: a refusal is recorded, not raised."""
    try:
        collect(account, invoice)
    except StripeError as error:
        if error.keeps_changes:
            return
        _count_attempt(account, invoice)
        _tell_failed(account, invoice)


def intent_ended(account: Account, intent: Json) -> None:
    """An invoice's intent succeeded or was refused, by whomever it was confirmed."""
    invoice_id = intent.get("_invoice")
    present = account.store.find("invoice", invoice_id)
    if present is None or present["status"] not in {"open", "uncollectible"}:
        return
    invoice = account.store.edit("invoice", present["id"])
    if intent["status"] == "succeeded":
        invoice["attempt_count"] += 1
        paid(account, invoice)
    elif intent["status"] == "requires_payment_method":
        _count_attempt(account, invoice)
        _tell_failed(account, invoice)


intents.AFTER_INTENT.append(intent_ended)


def _count_attempt(account: Account, invoice: Json) -> None:
    invoice["attempt_count"] += 1
    invoice["attempted"] = True
    count = invoice["attempt_count"]
    retried = invoice["billing_reason"] == "subscription_cycle" and count <= len(RETRY_DAYS)
    now = account.now_for(invoice["customer"])
    invoice["next_payment_attempt"] = now + RETRY_DAYS[count - 1] * _DAY if retried else None
    if retried:
        invoice_id = invoice["id"]
        timers = account.timers_for(invoice["customer"])
        timers.at(invoice["next_payment_attempt"], lambda: _again(account, invoice_id, count))


def _again(account: Account, invoice_id: str, count: int) -> None:
    present = account.store.find("invoice", invoice_id)
    if present is None or present["status"] != "open" or present["attempt_count"] != count:
        return
    try_to_collect(account, account.store.edit("invoice", invoice_id))


def _tell_failed(account: Account, invoice: Json) -> None:
    account.emit("invoice.payment_failed", invoice)
    account.emit_update("invoice.updated", invoice)
    for follow in AFTER_FAILED:
        follow(account, invoice)
