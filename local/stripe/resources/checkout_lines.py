"""What is bought in a checkout session, and what it costs."""

from local.stripe.billing import discounts
from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id
from local.stripe.payments import money
from local.stripe.resources.prices import made_price
from local.stripe.resources.products import new_product
from local.stripe.shapes import Json, public
from local.stripe.spec.skeletons import skeleton


def new_lines(call: Call, session: Json) -> list[Json]:
    """The session's lines, kept."""
    return [
        _line(call, session, wanted, f"line_items[{place}]")
        for place, wanted in enumerate(call.get("line_items") or ())
    ]


def totals(call: Call, session: Json, rows: list[Json]) -> Json:
    """Currency and amounts of a session."""
    currencies = {row["currency"] for row in rows}
    if len(currencies) > 1:
        raise invalid("All line items must have the same currency.", param="line_items")
    currency = next(iter(currencies), call.get("currency"))
    subtotal = sum(row["amount_subtotal"] for row in rows)
    off = _amount_off(call, session, subtotal)
    if session["mode"] == "setup":
        return {"currency": currency, "amount_subtotal": None, "amount_total": None}
    total = subtotal - off
    if session["mode"] == "payment" and total:
        money.checked_amount(total, currency, "line_items")
    return {
        "amount_subtotal": subtotal,
        "amount_total": total,
        "currency": currency,
        "total_details": {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0},
    }


def _line(call: Call, session: Json, wanted: Json, param: str) -> Json:
    price = _price(call, wanted, param)
    if session["mode"] == "payment" and price["recurring"]:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to"
            " `subscription` mode or use only one-time prices.",
            param=param,
        )
    quantity = wanted.get("quantity", 1)
    amount = (price["unit_amount"] or 0) * quantity
    product = call.store.find("product", price["product"]) or {"name": ""}
    line = skeleton(
        "item",
        id=new_id("item"),
        amount_discount=0,
        amount_subtotal=amount,
        amount_tax=0,
        amount_total=amount,
        currency=price["currency"],
        description=product["name"],
        price=public(price),
        quantity=quantity,
    )
    line["_session"] = session["id"]
    return call.store.add(line)


def _price(call: Call, wanted: Json, param: str) -> Json:
    """A line's price, from its id or described on the spot."""
    described = wanted.get("price_data")
    if not described:
        given = wanted.get("price")
        if not given:
            raise invalid(
                f"Missing required param: {param}[price].",
                param=f"{param}[price]",
                code="parameter_missing",
            )
        return found(call.account, "price", given, param=f"{param}[price]", status=400)
    described = dict(described)
    product_data = described.pop("product_data", None)
    if product_data:
        product = new_product(call, product_data)
        call.account.emit("product.created", product)
        described["product"] = product["id"]
    if not described.get("product"):
        name = f"{param}[price_data][product]"
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return made_price(call, described)


def _amount_off(call: Call, session: Json, subtotal: int) -> int:
    """What discounts take off."""
    ids = discounts.from_params(call.account, call.get("discounts"), checkout_session=session["id"])
    session["_discounts"] = ids
    left = subtotal
    for discount_id in ids:
        left -= discounts.amount_off(call.account, discount_id, left, call.now)
    return subtotal - left
