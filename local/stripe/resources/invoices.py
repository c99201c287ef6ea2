"""Invoices: docs.stripe.com/api/invoices."""

from local.stripe.accounts import Account
from local.stripe.billing import collecting, discounts, invoicing, lines, renewing, subscribing
from local.stripe.call import Call, found
from local.stripe.errors import invalid, refused
from local.stripe.listing import envelope, listed, paged, same
from local.stripe.payments import methods, money
from local.stripe.rendering import includable
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.taking import take

KIND = "invoice"
_PLAIN = ("description", "footer", "number", "statement_descriptor", "due_date", "auto_advance")


@route("POST", "/v1/invoices")
def create(call: Call) -> Json:
    """A draft; waiting items go on it only when asked for."""
    subscription = call.referred("subscription", "subscription")
    customer_id = call.get("customer") or (subscription or {}).get("customer")
    if not customer_id:
        raise invalid(
            "Missing required param: customer.", param="customer", code="parameter_missing"
        )
    customer = found(call.account, "customer", customer_id, param="customer", status=400)
    manner = call.get("collection_method") or "charge_automatically"
    if manner == "send_invoice" and not call.get("days_until_due") and not call.get("due_date"):
        raise invalid(
            "If invoices are sent to the customer, you must specify `days_until_due` or"
            " `due_date`.",
            param="days_until_due",
        )
    invoice = _draft(call, customer, manner)
    _take(call, invoice)
    if call.get("pending_invoice_items_behavior") == "include" or subscription is not None:
        owner = subscription["id"] if subscription else None
        invoicing.take_pending_items(call.account, invoice, owner)
    lines.retotal(call.account, invoice)
    call.account.emit("invoice.created", invoice)
    return invoice


def _draft(call: Call, customer: Json, manner: str) -> Json:
    currency = call.get("currency") or _pending_currency(call, customer) or "usd"
    invoice = invoicing.draft(
        call.account,
        customer,
        auto_advance=bool(call.get("auto_advance")),
        collection_method=manner,
        currency=money.checked_currency(currency),
        discounts=list(customer.get("_discounts", [])),
    )
    invoice["_days_until_due"] = call.get("days_until_due")
    if call.get("discounts"):
        invoice["discounts"] = discounts.from_params(call.account, call.get("discounts"))
    if manner == "send_invoice" and call.get("days_until_due"):
        invoice["due_date"] = invoice["created"] + call.get("days_until_due") * 24 * 3600
    return invoice


@route("GET", "/v1/invoices")
def index(call: Call) -> Json:
    """Invoices, newest first."""
    wanted = call.get("subscription")
    fits = same(call, "customer", "status", "collection_method")
    return listed(call, KIND, lambda row: fits(row) and wanted in {None, subscription_of(row)})


def subscription_of(invoice: Json) -> str | None:
    """The subscription that an invoice bills."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return details["subscription"] if details else None


@route("GET", "/v1/invoices/{invoice}")
def retrieve(call: Call) -> Json:
    """One invoice."""
    return call.named(KIND, "invoice")


@route("GET", "/v1/invoices/{invoice}/lines")
def index_lines(call: Call) -> Json:
    """All lines of an invoice, page by page, the first first."""
    invoice = call.named(KIND, "invoice")
    return paged(call, lines.of_invoice(call.account, invoice["id"]), "line_item")


@route("POST", "/v1/invoices/{invoice}")
def update(call: Call) -> Json:
    """Changes a draft; of a closed invoice only little."""
    invoice = call.edited(KIND, "invoice")
    closed = set(call.params) - {"metadata", "auto_advance", "expand", "default_payment_method"}
    if invoice["status"] != "draft" and closed:
        raise refused(
            "Finalized invoices can't be updated in this way.", code="invoice_not_editable"
        )
    _take(call, invoice)
    lines.retotal(call.account, invoice)
    call.account.emit_update("invoice.updated", invoice)
    return invoice


@route("DELETE", "/v1/invoices/{invoice}")
def delete(call: Call) -> Json:
    """Deletes a draft."""
    invoice = call.named(KIND, "invoice")
    if invoice["status"] != "draft":
        raise refused(
            "You can only delete draft invoices. Try voiding it instead.",
            code="invoice_not_editable",
        )
    call.account.emit("invoice.deleted", invoice)
    call.store.remove(KIND, invoice["id"])
    return {"id": invoice["id"], "object": KIND, "deleted": True}


@route("POST", "/v1/invoices/{invoice}/finalize")
def finalize(call: Call) -> Json:
    """Closes a draft."""
    invoice = call.edited(KIND, "invoice")
    if invoice["status"] != "draft":
        raise refused(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    subscribing.finalize(call.account, invoice)
    return invoice


@route("POST", "/v1/invoices/{invoice}/send")
def send(call: Call) -> Json:
    """Sends an invoice to its customer, which here is an event only."""
    invoice = call.edited(KIND, "invoice")
    if invoice["collection_method"] != "send_invoice":
        raise refused(
            "You can only manually send an invoice if its collection method is 'send_invoice'."
        )
    if invoice["status"] == "draft":
        subscribing.finalize(call.account, invoice)
    call.account.emit("invoice.sent", invoice)
    return invoice


@route("POST", "/v1/invoices/{invoice}/pay")
def pay(call: Call) -> Json:
    """Asks for the money now."""
    invoice = call.edited(KIND, "invoice")
    if invoice["status"] == "paid":
        raise refused("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        subscribing.finalize(call.account, invoice)
    if invoice["status"] not in {"open", "uncollectible", "paid"}:
        raise _wrong_status(invoice, "paid")
    if invoice["status"] == "paid":
        return invoice
    if call.get("paid_out_of_band"):
        collecting.pay_out_of_band(call.account, invoice)
        return invoice
    given = call.get("payment_method") or call.get("source")
    method = methods.usable(call.account, given) if given else None
    collecting.collect(call.account, invoice, method)
    return invoice


@route("POST", "/v1/invoices/{invoice}/void")
def void(call: Call) -> Json:
    """Declares an invoice a mistake."""
    invoice = call.edited(KIND, "invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise _wrong_status(invoice, "voided")
    invoicing.void(call.account, invoice)
    return invoice


@route("POST", "/v1/invoices/{invoice}/mark_uncollectible")
def mark_uncollectible(call: Call) -> Json:
    """Gives the money up."""
    invoice = call.edited(KIND, "invoice")
    if invoice["status"] == "draft":
        subscribing.finalize(call.account, invoice)
    if invoice["status"] != "open":
        raise _wrong_status(invoice, "marked uncollectible")
    invoicing.give_up(call.account, invoice)
    return invoice


@route("POST", "/v1/invoices/create_preview")
def create_preview(call: Call) -> Json:
    """The next invoice of a subscription as it would be now."""
    subscription = call.referred("subscription", "subscription")
    if subscription is None:
        wanted = call.get("customer")
        rows = [row for row in call.store.newest("subscription") if row["customer"] == wanted]
        subscription = rows[0] if rows else None
    if subscription is None or subscription["status"] in {"canceled", "incomplete_expired"}:
        raise refused(
            f"No upcoming invoices for customer: {call.get('customer')}",
            code="invoice_upcoming_none",
        )
    return renewing.preview(call.account, subscription)


@route("GET", "/v1/invoice_payments")
def index_payments(call: Call) -> Json:
    """Payments of invoices, newest first."""
    wanted = (call.get("payment") or {}).get("payment_intent")
    fits = same(call, "invoice", "status")
    return listed(
        call,
        "invoice_payment",
        lambda row: fits(row) and wanted in {None, row["payment"]["payment_intent"]},
    )


@route("GET", "/v1/invoice_payments/{invoice_payment}")
def retrieve_payment(call: Call) -> Json:
    """One payment of an invoice."""
    return call.named("invoice_payment", "invoice_payment")


@includable(KIND, "payments")
def payments_of(account: Account, invoice: Json) -> Json:
    """An invoice's payments."""
    rows = [
        row for row in account.store.newest("invoice_payment") if row["invoice"] == invoice["id"]
    ]
    return envelope("/v1/invoice_payments", rows)


@includable(KIND, "confirmation_secret")
def confirmation_secret_of(account: Account, invoice: Json) -> Json | None:
    """What a browser needs to pay an open invoice."""
    intent = invoicing.intent_of(account, invoice)
    if intent is None:
        return None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _take(call: Call, invoice: Json) -> None:
    take(invoice, call.params, _PLAIN)
    if call.get("default_payment_method"):
        method = methods.usable(call.account, call.get("default_payment_method"))
        invoice["default_payment_method"] = method["id"]
    invoice["metadata"] = merged_metadata(invoice["metadata"], call.get("metadata"))


def _pending_currency(call: Call, customer: Json) -> str | None:
    for item in call.store.newest("invoiceitem"):
        if item["customer"] == customer["id"] and item["invoice"] is None:
            return str(item["currency"])
    return None


def _wrong_status(invoice: Json, verb: str) -> Exception:
    return refused(
        f"The invoice {invoice['id']} cannot be {verb} because it has a status of"
        f" {invoice['status']}.",
        code="invoice_not_editable",
    )
