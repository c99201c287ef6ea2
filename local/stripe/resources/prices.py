"""Prices: docs.stripe.com/api/prices."""

from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id
from local.stripe.listing import listed
from local.stripe.payments import money
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton
from local.stripe.spec.taking import take

KIND = "price"


@route("POST", "/v1/prices")
def create(call: Call) -> Json:
    """A new price of a product, which may be described on the spot."""
    # Imported here: products and prices make each other.
    from local.stripe.resources.products import new_product  # noqa: PLC0415 - see above

    params = dict(call.params)
    described = params.pop("product_data", None)
    if described:
        params["product"] = new_product(call, described)["id"]
        call.account.emit("product.created", call.store.get("product", params["product"]))
    elif not params.get("product"):
        raise invalid("Missing required param: product.", param="product", code="parameter_missing")
    return made_price(call, params)


def made_price(call: Call, params: Json) -> Json:
    """A price, kept and told."""
    product = found(call.account, "product", params["product"], param="product", status=400)
    amount, exact = unit_amounts(params)
    if amount is None and exact is None and not params.get("custom_unit_amount"):
        raise invalid(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
            param="unit_amount",
            code="parameter_missing",
        )
    recurring = params.get("recurring")
    price = skeleton(
        KIND,
        **call.base,
        id=new_id(KIND),
        active=params.get("active", True),
        billing_scheme=params.get("billing_scheme", "per_unit"),
        currency=money.checked_currency(params["currency"]),
        lookup_key=params.get("lookup_key"),
        metadata=merged_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product["id"],
        recurring=_recurring(recurring),
        tax_behavior=params.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=exact,
    )
    call.store.add(price)
    call.account.emit("price.created", price)
    return price


def unit_amounts(params: Json) -> tuple[int | None, str | None]:
    """`unit_amount` and `unit_amount_decimal`, from whichever was given."""
    amount, exact = params.get("unit_amount"), params.get("unit_amount_decimal")
    if amount is not None:
        if amount < 0:
            raise invalid(
                "This value must be greater than or equal to 0.",
                param="unit_amount",
                code="parameter_invalid_integer",
            )
        return amount, str(amount)
    if exact is None:
        return None, None
    whole = float(exact).is_integer()
    return (int(float(exact)) if whole else None), str(exact)


@route("GET", "/v1/prices")
def index(call: Call) -> Json:
    """Prices, newest first."""
    wanted = {
        name: call.params[name]
        for name in ("active", "currency", "product", "type")
        if name in call.params
    }
    keys = call.get("lookup_keys")
    return listed(
        call,
        KIND,
        lambda row: (
            all(row[name] == value for name, value in wanted.items())
            and (not keys or row["lookup_key"] in keys)
        ),
    )


@route("GET", "/v1/prices/{price}")
def retrieve(call: Call) -> Json:
    """One price."""
    return call.named(KIND, "price")


@route("POST", "/v1/prices/{price}")
def update(call: Call) -> Json:
    """Changes what of a price may change: never the amount."""
    price = call.edited(KIND, "price")
    take(price, call.params, ("active", "lookup_key", "nickname", "tax_behavior"))
    price["metadata"] = merged_metadata(price["metadata"], call.get("metadata"))
    call.account.emit_update("price.updated", price)
    return price


def _recurring(given: Json | None) -> Json | None:
    if not given:
        return None
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": given.get("meter"),
        "usage_type": given.get("usage_type", "licensed"),
    }
