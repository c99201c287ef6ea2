"""Coupons and promotion codes: docs.stripe.com/api/coupons, /promotion_codes."""

from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import listed, same
from local.stripe.payments import money
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

COUPON = "coupon"
CODE = "promotion_code"
_PERCENT_MAX = 100


@route("POST", "/v1/coupons")
def create(call: Call) -> Json:
    """A new coupon over an amount or a share."""
    percent, amount = call.get("percent_off"), call.get("amount_off")
    if (percent is None) == (amount is None):
        raise invalid("You must pass either `percent_off` or `amount_off`.", param="percent_off")
    if percent is not None and not 0 < percent <= _PERCENT_MAX:
        raise invalid("Invalid percent_off: must be between 0 and 100.", param="percent_off")
    if amount is not None and not call.get("currency"):
        raise invalid(
            "You must pass currency when passing amount_off",
            param="currency",
            code="parameter_missing",
        )
    currency = call.get("currency")
    coupon = skeleton(
        COUPON,
        **call.base,
        id=call.get("id") or random_letters(8),
        amount_off=amount,
        currency=money.checked_currency(currency) if currency else None,
        duration=call.get("duration", "once"),
        duration_in_months=call.get("duration_in_months"),
        max_redemptions=call.get("max_redemptions"),
        metadata=merged_metadata({}, call.get("metadata")),
        name=call.get("name"),
        percent_off=percent,
        redeem_by=call.get("redeem_by"),
        times_redeemed=0,
        valid=True,
    )
    call.store.add(coupon)
    call.account.emit("coupon.created", coupon)
    return coupon


@route("GET", "/v1/coupons")
def index(call: Call) -> Json:
    """Coupons, newest first."""
    return listed(call, COUPON)


@route("GET", "/v1/coupons/{coupon}")
def retrieve(call: Call) -> Json:
    """One coupon."""
    return call.named(COUPON, "coupon")


@route("POST", "/v1/coupons/{coupon}")
def update(call: Call) -> Json:
    """Changes name or metadata."""
    coupon = call.edited(COUPON, "coupon")
    if "name" in call.params:
        coupon["name"] = call.get("name")
    coupon["metadata"] = merged_metadata(coupon["metadata"], call.get("metadata"))
    call.account.emit_update("coupon.updated", coupon)
    return coupon


@route("DELETE", "/v1/coupons/{coupon}")
def delete(call: Call) -> Json:
    """Deletes a coupon; discounts that came of it stay."""
    coupon = call.named(COUPON, "coupon")
    call.account.emit("coupon.deleted", coupon)
    call.store.remove(COUPON, coupon["id"])
    return {"id": coupon["id"], "object": COUPON, "deleted": True}


@route("POST", "/v1/promotion_codes")
def create_code(call: Call) -> Json:
    """A code that customers type, for a coupon."""
    promotion = call.get("promotion") or {"type": "coupon", "coupon": call.get("coupon")}
    coupon = found(
        call.account, COUPON, promotion.get("coupon"), param="promotion[coupon]", status=400
    )
    restrictions = call.get("restrictions") or {}
    code = skeleton(
        CODE,
        **call.base,
        id=new_id(CODE),
        active=call.get("active", True),
        code=call.get("code") or random_letters(8).upper(),
        customer=call.get("customer"),
        expires_at=call.get("expires_at"),
        max_redemptions=call.get("max_redemptions"),
        metadata=merged_metadata({}, call.get("metadata")),
        promotion={"coupon": coupon["id"], "type": "coupon"},
        restrictions={
            "first_time_transaction": restrictions.get("first_time_transaction", False),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        times_redeemed=0,
    )
    call.store.add(code)
    call.account.emit("promotion_code.created", code)
    return code


@route("GET", "/v1/promotion_codes")
def index_codes(call: Call) -> Json:
    """Codes, newest first."""
    return listed(call, CODE, same(call, "active", "code", "customer"))


@route("GET", "/v1/promotion_codes/{promotion_code}")
def retrieve_code(call: Call) -> Json:
    """One code."""
    return call.named(CODE, "promotion_code")


@route("POST", "/v1/promotion_codes/{promotion_code}")
def update_code(call: Call) -> Json:
    """Changes activity or metadata."""
    code = call.edited(CODE, "promotion_code")
    if "active" in call.params:
        code["active"] = call.get("active")
    code["metadata"] = merged_metadata(code["metadata"], call.get("metadata"))
    call.account.emit_update("promotion_code.updated", code)
    return code
