"""Lines of invoices, and the sums that they make."""

from local.stripe.accounts import Account
from local.stripe.billing import discounts
from local.stripe.identifiers import new_id
from local.stripe.listing import envelope
from local.stripe.shapes import Json, public
from local.stripe.spec.skeletons import skeleton

# A list inside an object shows its first ten.
_SHOWN = 10


def of_invoice(account: Account, invoice_id: str) -> list[Json]:
    """An invoice's lines in their order."""
    return [row for row in account.store.oldest("line_item") if row["invoice"] == invoice_id]


def for_item(account: Account, invoice: Json, item: Json) -> Json:
    """A line from an invoice item."""
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": _subscription_of(item),
    }
    line = _bare(account, invoice, item["amount"], item["description"], item["period"])
    line.update(
        discountable=item["discountable"],
        metadata=dict(item["metadata"]),
        parent={
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        pricing=item["pricing"],
        quantity=item["quantity"],
        quantity_decimal=str(item["quantity"]),
        subscription=_subscription_of(item),
    )
    return account.store.add(line)


def for_subscription_item(
    account: Account, invoice: Json, item: Json, period: Json, *, free: bool = False
) -> Json:
    """A line for one period of a subscription's item; a trial's is free."""
    price = item["price"]
    unit = 0 if free else price["unit_amount"] or 0
    product = account.store.find("product", price["product"]) or {"name": "product"}
    quantity = item.get("quantity", 1)
    text = (
        f"Trial period for {product['name']}"
        if free
        else f"{quantity} x {product['name']} ({unit / 100:.2f} / {price['recurring']['interval']})"
    )
    line = _bare(account, invoice, unit * quantity, text, period)
    line.update(
        metadata=dict(item["metadata"]),
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        pricing=pricing(price, unit),
        quantity=quantity,
        quantity_decimal=str(quantity),
        subscription=item["subscription"],
    )
    return account.store.add(line)


def pricing(price: Json, unit: int) -> Json:
    """Where an amount comes from."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": str(unit),
    }


def retotal(account: Account, invoice: Json) -> None:
    """Sums an invoice up again after its lines changed."""
    rows = of_invoice(account, invoice["id"])
    subtotal = sum(row["amount"] for row in rows)
    now = account.now_for(invoice["customer"])
    off = []
    left = max(subtotal, 0)
    for discount_id in invoice["discounts"]:
        amount = discounts.amount_off(account, discount_id, left, now)
        left -= amount
        off.append({"amount": amount, "discount": discount_id})
    total = subtotal - sum(entry["amount"] for entry in off)
    due = max(total, 0)
    invoice.update(
        amount_due=due,
        amount_remaining=due - invoice["amount_paid"],
        lines=envelope(
            f"/v1/invoices/{invoice['id']}/lines",
            [public(row) for row in rows[:_SHOWN]],
            has_more=len(rows) > _SHOWN,
            total_count=len(rows),
        ),
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=total,
        total_discount_amounts=off,
        total_excluding_tax=total,
    )


def _bare(account: Account, invoice: Json, amount: int, text: str | None, period: Json) -> Json:
    return skeleton(
        "line_item",
        id=new_id("line_item"),
        amount=amount,
        currency=invoice["currency"],
        description=text,
        discount_amounts=[],
        discountable=True,
        invoice=invoice["id"],
        livemode=account.livemode,
        period=dict(period),
        pretax_credit_amounts=[],
        subtotal=amount,
        taxes=[],
    )


def _subscription_of(item: Json) -> str | None:
    parent = item.get("parent")
    return parent["subscription_details"]["subscription"] if parent else None
