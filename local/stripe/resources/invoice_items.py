"""Invoice items: docs.stripe.com/api/invoiceitems."""

from local.stripe.billing import lines, prorating
from local.stripe.call import Call, found
from local.stripe.errors import invalid, refused
from local.stripe.listing import Belongs, listed, same
from local.stripe.payments import money
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata

KIND = "invoiceitem"


@route("POST", "/v1/invoiceitems")
def create(call: Call) -> Json:
    """An item that waits for the next invoice, or goes on a draft."""
    invoice = call.referred("invoice", "invoice")
    customer_id = call.get("customer") or (invoice or {}).get("customer")
    if not customer_id:
        raise invalid(
            "Missing required param: customer.", param="customer", code="parameter_missing"
        )
    customer = found(call.account, "customer", customer_id, param="customer", status=400)
    if invoice is not None and invoice["status"] != "draft":
        raise _not_editable()
    quantity = call.get("quantity", 1)
    amount, currency, pricing = _amount(call, quantity)
    made = prorating.new_invoice_item(
        call.account,
        customer["id"],
        amount=amount,
        currency=currency,
        description=call.get("description"),
        metadata=merged_metadata({}, call.get("metadata")),
        pricing=pricing,
        quantity=quantity,
    )
    if call.get("period"):
        made["period"] = call.get("period")
    if call.get("subscription"):
        details = {"subscription": call.get("subscription")}
        made["parent"] = {"subscription_details": details, "type": "subscription_details"}
    call.account.emit("invoiceitem.created", made)
    if invoice is not None:
        draft = call.store.edit("invoice", invoice["id"])
        made["invoice"] = draft["id"]
        lines.for_item(call.account, draft, made)
        lines.retotal(call.account, draft)
        call.account.emit_update("invoice.updated", draft)
    return made


@route("GET", "/v1/invoiceitems")
def index(call: Call) -> Json:
    """Items, newest first."""
    return listed(call, KIND, _wanted(call))


@route("GET", "/v1/invoiceitems/{invoiceitem}")
def retrieve(call: Call) -> Json:
    """One item."""
    return call.named(KIND, "invoiceitem")


@route("POST", "/v1/invoiceitems/{invoiceitem}")
def update(call: Call) -> Json:
    """Changes an item that no closed invoice holds."""
    item = call.edited(KIND, "invoiceitem")
    _require_open(call, item)
    if "amount" in call.params:
        item.update(amount=call.get("amount"), net_amount=call.get("amount"))
    if "description" in call.params:
        item["description"] = call.get("description")
    item["metadata"] = merged_metadata(item["metadata"], call.get("metadata"))
    return item


@route("DELETE", "/v1/invoiceitems/{invoiceitem}")
def delete(call: Call) -> Json:
    """Takes an item away."""
    item = call.named(KIND, "invoiceitem")
    _require_open(call, item)
    call.account.emit("invoiceitem.deleted", item)
    call.store.remove(KIND, item["id"])
    return {"id": item["id"], "object": KIND, "deleted": True}


def _amount(call: Call, quantity: int) -> tuple[int, str, Json | None]:
    """What an item costs: as given, or a price times a quantity."""
    price_id = (call.get("pricing") or {}).get("price")
    described = call.get("price_data")
    if price_id:
        price = found(call.account, "price", price_id, param="pricing[price]", status=400)
        unit = price["unit_amount"] or 0
        return unit * quantity, price["currency"], lines.pricing(price, unit)
    if described:
        unit = described.get("unit_amount", 0)
        return unit * quantity, money.checked_currency(described["currency"]), None
    if "amount" not in call.params and "unit_amount_decimal" not in call.params:
        raise invalid("Missing required param: amount.", param="amount", code="parameter_missing")
    amount = call.get("amount")
    if amount is None:
        amount = round(float(call.get("unit_amount_decimal")) * quantity)
    return amount, money.checked_currency(call.get("currency") or "usd"), None


def _wanted(call: Call) -> Belongs:
    pending = call.get("pending")
    fits = same(call, "customer", "invoice")
    return lambda row: fits(row) and pending in {None, row["invoice"] is None}


def _require_open(call: Call, item: Json) -> None:
    invoice = call.store.find("invoice", item["invoice"])
    if invoice is not None and invoice["status"] != "draft":
        raise _not_editable()


def _not_editable() -> Exception:
    return refused(
        "The invoice item cannot be changed because its invoice is already finalized.",
        code="invoice_not_editable",
    )
