"""What a change in the middle of a period costs: the unused time back, the rest anew."""

from local.stripe.accounts import Account
from local.stripe.billing import items, lines
from local.stripe.billing.intervals import spoken
from local.stripe.identifiers import new_id
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton


def prorate(account: Account, subscription: Json, before: Json, after: Json | None) -> None:
    """Invoice items for the change of one item at this moment."""
    now = account.now_for(subscription["customer"])
    start, end = before["current_period_start"], before["current_period_end"]
    if subscription["status"] == "trialing" or not start <= now < end:
        return
    share = (end - now) / (end - start)
    product = account.store.find("product", before["price"]["product"]) or {"name": "product"}
    day = spoken(now)
    back = -round(items.amount_of(before) * share)
    period = {"end": end, "start": now}
    _item(
        account, subscription, before, back, f"Unused time on {product['name']} after {day}", period
    )
    if after is not None:
        product = account.store.find("product", after["price"]["product"]) or product
        rest = round(items.amount_of(after) * share)
        text = f"Remaining time on {product['name']} after {day}"
        _item(account, subscription, after, rest, text, period)


def _item(
    account: Account, subscription: Json, item: Json, amount: int, text: str, period: Json
) -> None:
    made = new_invoice_item(
        account,
        subscription["customer"],
        amount=amount,
        currency=subscription["currency"],
        description=text,
        period=period,
        proration=True,
        quantity=item.get("quantity", 1),
    )
    made["pricing"] = lines.pricing(item["price"], item["price"]["unit_amount"] or 0)
    made["parent"] = {
        "subscription_details": {
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_details",
    }
    account.emit("invoiceitem.created", made)


def new_invoice_item(
    account: Account, customer_id: str, *, amount: int, currency: str, **fields: object
) -> Json:
    """An invoice item that waits for the next invoice, kept but not told."""
    now = account.now_for(customer_id)
    customer = account.store.get("customer", customer_id)
    made = skeleton(
        "invoiceitem",
        id=new_id("invoiceitem"),
        amount=amount,
        currency=currency,
        customer=customer_id,
        date=now,
        discountable=amount >= 0,
        discounts=[],
        livemode=account.livemode,
        metadata={},
        net_amount=amount,
        period={"end": now, "start": now},
        quantity=1,
        tax_rates=[],
        test_clock=customer["test_clock"],
    )
    made.update(fields)
    made["quantity_decimal"] = str(made["quantity"])
    return account.store.add(made)
