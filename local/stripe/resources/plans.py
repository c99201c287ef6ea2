"""Plans, the older form of a recurring price: docs.stripe.com/api/plans."""

from local.stripe.call import Call, found
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id
from local.stripe.listing import listed, same
from local.stripe.payments import money
from local.stripe.resources.products import new_product
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton
from local.stripe.spec.taking import take

KIND = "plan"


@route("POST", "/v1/plans")
def create(call: Call) -> Json:
    """A new plan of a product, which may be described on the spot."""
    params = call.params
    product_id = _product(call)
    amount = params.get("amount")
    plan = skeleton(
        KIND,
        **call.base,
        id=params.get("id") or new_id(KIND),
        active=params.get("active", True),
        amount=amount,
        amount_decimal=None if amount is None else str(amount),
        billing_scheme=params.get("billing_scheme", "per_unit"),
        currency=money.checked_currency(params["currency"]),
        interval=params["interval"],
        interval_count=params.get("interval_count", 1),
        metadata=merged_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product_id,
        trial_period_days=params.get("trial_period_days"),
        usage_type=params.get("usage_type", "licensed"),
    )
    call.store.add(plan)
    call.store.add(_as_price(plan))
    call.account.emit("plan.created", plan)
    return plan


@route("GET", "/v1/plans")
def index(call: Call) -> Json:
    """Plans, newest first."""
    return listed(call, KIND, same(call, "active", "product"))


@route("GET", "/v1/plans/{plan}")
def retrieve(call: Call) -> Json:
    """One plan."""
    return call.named(KIND, "plan")


@route("POST", "/v1/plans/{plan}")
def update(call: Call) -> Json:
    """Changes name, activity or metadata."""
    plan = call.edited(KIND, "plan")
    take(plan, call.params, ("active", "nickname", "trial_period_days"))
    plan["metadata"] = merged_metadata(plan["metadata"], call.get("metadata"))
    call.account.emit_update("plan.updated", plan)
    return plan


@route("DELETE", "/v1/plans/{plan}")
def delete(call: Call) -> Json:
    """Deletes a plan; who is subscribed to it stays so."""
    plan = call.named(KIND, "plan")
    call.account.emit("plan.deleted", plan)
    call.store.remove(KIND, plan["id"])
    return {"id": plan["id"], "object": KIND, "deleted": True}


def _product(call: Call) -> str | None:
    given = call.get("product")
    if isinstance(given, dict):
        product = new_product(call, given)
        call.account.emit("product.created", product)
        return str(product["id"])
    if not given:
        raise invalid("Missing required param: product.", param="product", code="parameter_missing")
    return str(found(call.account, "product", given, param="product", status=400)["id"])


def _as_price(plan: Json) -> Json:
    """The same as a price, since subscriptions are to prices."""
    return skeleton(
        "price",
        id=plan["id"],
        active=plan["active"],
        billing_scheme=plan["billing_scheme"],
        created=plan["created"],
        currency=plan["currency"],
        livemode=plan["livemode"],
        product=plan["product"],
        recurring={
            "interval": plan["interval"],
            "interval_count": plan["interval_count"],
            "meter": None,
            "usage_type": plan["usage_type"],
        },
        tax_behavior="unspecified",
        type="recurring",
        unit_amount=plan["amount"],
        unit_amount_decimal=plan["amount_decimal"],
    )
