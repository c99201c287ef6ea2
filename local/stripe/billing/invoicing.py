"""Invoices: drafted, finalized, voided, given up."""

from local.stripe.accounts import Account
from local.stripe.billing import lines
from local.stripe.errors import refused
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments import intents
from local.stripe.payments.opening import new_intent
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

_DAY = 24 * 3600
_NO_TAX = {
    "disabled_reason": None,
    "enabled": False,
    "liability": None,
    "provider": None,
    "status": None,
}
_SETTINGS = {
    "default_mandate": None,
    "payment_method_options": None,
    "payment_method_types": None,
}
_TRANSITIONS = {
    "finalized_at": None,
    "marked_uncollectible_at": None,
    "paid_at": None,
    "voided_at": None,
}


def draft(account: Account, customer: Json, **fields: object) -> Json:
    """An empty draft of a customer; the caller adds lines and calls `lines.retotal`."""
    now = account.now_for(customer["id"])
    invoice_id = new_id("invoice")
    invoice = skeleton(
        "invoice",
        id=invoice_id,
        account_country="US",
        account_name="Paid Once",
        attempt_count=0,
        automatic_tax=dict(_NO_TAX),
        auto_advance=True,
        billing_reason="manual",
        collection_method="charge_automatically",
        created=now,
        currency="usd",
        custom_fields=None,
        customer=customer["id"],
        customer_address=customer["address"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"],
        customer_shipping=customer["shipping"],
        customer_tax_exempt=customer["tax_exempt"],
        customer_tax_ids=[],
        issuer={"type": "self"},
        livemode=account.livemode,
        metadata={},
        payment_settings=dict(_SETTINGS),
        period_end=now,
        period_start=now,
        rendering=None,
        status="draft",
        status_transitions=dict(_TRANSITIONS),
        test_clock=customer["test_clock"],
        total_pretax_credit_amounts=[],
        total_taxes=[],
    )
    invoice.update(fields)
    invoice.pop("payments", None)
    invoice.pop("confirmation_secret", None)
    return account.store.add(invoice)


def take_pending_items(account: Account, invoice: Json, subscription: str | None) -> int:
    """Puts a customer's waiting invoice items on a draft; answers how many."""
    taken = 0
    for present in account.store.oldest("invoiceitem"):
        waits = present["invoice"] is None and present["customer"] == invoice["customer"]
        parent = present["parent"]
        owner = parent["subscription_details"]["subscription"] if parent else None
        if waits and owner in {None, subscription} and present["currency"] == invoice["currency"]:
            item = account.store.edit("invoiceitem", present["id"])
            item["invoice"] = invoice["id"]
            lines.for_item(account, invoice, item)
            taken += 1
    return taken


def finalize(account: Account, invoice: Json) -> None:
    """Closes a draft: a number, a due amount, and an intent to pay it."""
    if account.store.get("customer", invoice["customer"]).get("deleted"):
        raise refused(f"No such customer: '{invoice['customer']}'", code="resource_missing")
    lines.retotal(account, invoice)
    now = account.now_for(invoice["customer"])
    customer = account.store.edit("customer", invoice["customer"])
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = number + 1
    page = f"https://invoice.stripe.com/i/{account.id}/{random_letters(40)}"
    invoice.update(
        ending_balance=0,
        effective_at=now,
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        number=invoice["number"] or f"{customer['invoice_prefix']}-{number:04d}",
        status="open",
        webhooks_delivered_at=now,
    )
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        invoice["due_date"] = now + (invoice.get("_days_until_due") or 30) * _DAY
    account.emit("invoice.finalized", invoice)
    account.emit_update("invoice.updated", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(account, invoice, attempted=True)
    else:
        _ask_for_payment(account, invoice)


def intent_of(account: Account, invoice: Json) -> Json | None:
    """The intent that pays an invoice; None for a draft or one that needed none."""
    return account.store.find("payment_intent", invoice.get("_payment_intent"))


def mark_paid(account: Account, invoice: Json, *, attempted: bool) -> None:
    """The invoice is paid; subscriptions hear of it through AFTER_PAID."""
    now = account.now_for(invoice["customer"])
    due = invoice["amount_due"]
    invoice.update(
        amount_paid=due,
        amount_remaining=0,
        attempted=attempted or invoice["attempted"],
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
    )
    invoice["status_transitions"]["paid_at"] = now
    payment_id = invoice.get("_invoice_payment")
    if payment_id:
        payment = account.store.edit("invoice_payment", payment_id)
        payment.update(amount_paid=due, status="paid")
        payment["status_transitions"]["paid_at"] = now
        account.emit("invoice_payment.paid", payment)
    account.emit_update("invoice.updated", invoice)
    account.emit("invoice.paid", invoice)
    account.emit("invoice.payment_succeeded", invoice)


def void(account: Account, invoice: Json) -> None:
    """The invoice was a mistake."""
    invoice.update(status="void", auto_advance=False, amount_remaining=0, next_payment_attempt=None)
    invoice["status_transitions"]["voided_at"] = account.now_for(invoice["customer"])
    account.emit("invoice.voided", invoice)
    account.emit_update("invoice.updated", invoice)
    _end_intent(account, invoice, "void_invoice")


def give_up(account: Account, invoice: Json) -> None:
    """The money will not come."""
    invoice.update(status="uncollectible", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["marked_uncollectible_at"] = account.now_for(invoice["customer"])
    account.emit("invoice.marked_uncollectible", invoice)
    account.emit_update("invoice.updated", invoice)


def _ask_for_payment(account: Account, invoice: Json) -> None:
    """An intent for the invoice's amount, and the record that ties them together."""
    subscription = (invoice["parent"] or {}).get("subscription_details")
    reasons = {
        "subscription_create": "Subscription creation",
        "subscription_update": "Subscription update",
        "subscription_cycle": "Subscription update",
    }
    intent = new_intent(
        account,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=reasons.get(invoice["billing_reason"], "Payment for Invoice"),
        metadata={},
        setup_future_usage="off_session" if subscription else None,
    )
    intent["_invoice"] = invoice["id"]
    account.store.add(intent)
    payment = skeleton(
        "invoice_payment",
        id=new_id("invoice_payment"),
        amount_requested=invoice["amount_due"],
        created=intent["created"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        livemode=account.livemode,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    account.store.add(payment)
    invoice["_payment_intent"] = intent["id"]
    invoice["_invoice_payment"] = payment["id"]
    account.emit("payment_intent.created", intent)


def _end_intent(account: Account, invoice: Json, reason: str) -> None:
    intent = intent_of(account, invoice)
    if intent is not None and intent["status"] not in {"succeeded", "canceled"}:
        intents.cancel(account, account.store.edit("payment_intent", intent["id"]), reason)
