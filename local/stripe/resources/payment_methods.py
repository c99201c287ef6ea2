"""Payment methods: docs.stripe.com/api/payment_methods."""

from local.stripe.call import Call, found
from local.stripe.errors import refused
from local.stripe.listing import listed
from local.stripe.payments import attaching, methods
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata

KIND = "payment_method"


@route("POST", "/v1/payment_methods")
def create(call: Call) -> Json:
    """A method that belongs to nobody yet; no event tells of it."""
    return methods.made(call.account, call.params)


@route("GET", "/v1/payment_methods")
def index(call: Call) -> Json:
    """A customer's methods (without a customer: none, as nothing else may be listed)."""
    customer, kind = call.get("customer"), call.get("type")
    if customer:
        found(call.account, "customer", customer, param="customer", status=400)
    return listed(call, KIND, _of(customer, kind))


@route("GET", "/v1/customers/{customer}/payment_methods")
def of_customer(call: Call) -> Json:
    """A customer's methods."""
    customer = call.named("customer", "customer")
    return listed(call, KIND, _of(customer["id"], call.get("type")))


@route("GET", "/v1/customers/{customer}/payment_methods/{payment_method}")
def one_of_customer(call: Call) -> Json:
    """One of a customer's methods."""
    call.named("customer", "customer")
    return call.named(KIND, "payment_method")


@route("GET", "/v1/payment_methods/{payment_method}")
def retrieve(call: Call) -> Json:
    """One method."""
    return call.named(KIND, "payment_method")


@route("POST", "/v1/payment_methods/{payment_method}")
def update(call: Call) -> Json:
    """Changes billing details, expiry or metadata of a method that has a customer."""
    method = call.edited(KIND, "payment_method")
    if method["customer"] is None:
        raise refused(
            "You must save this PaymentMethod to a customer before you can update it.",
            code="payment_method_unexpected_state",
        )
    method["metadata"] = merged_metadata(method["metadata"], call.get("metadata"))
    details = call.get("billing_details")
    if isinstance(details, dict):
        address = {**method["billing_details"]["address"], **(details.get("address") or {})}
        method["billing_details"] = {**method["billing_details"], **details, "address": address}
    for name in ("exp_month", "exp_year"):
        if name in (call.get("card") or {}):
            method["card"][name] = call.get("card")[name]
    call.account.emit_update("payment_method.updated", method)
    return method


@route("POST", "/v1/payment_methods/{payment_method}/attach")
def attach(call: Call) -> Json:
    """Gives a method to a customer."""
    customer = call.referred("customer", "customer")
    if customer is None:
        raise refused("Missing required param: customer.", param="customer")
    method = methods.usable(call.account, call.path["payment_method"])
    return attaching.attach(call.account, method, customer)


@route("POST", "/v1/payment_methods/{payment_method}/detach")
def detach(call: Call) -> Json:
    """Takes a method from its customer, for good."""
    method = call.edited(KIND, "payment_method")
    if method["customer"] is None:
        raise refused(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible.",
            code="payment_method_unexpected_state",
        )
    return attaching.detach(call.account, method)


def _of(customer: str | None, kind: str | None) -> attaching.Belongs:
    return lambda row: (
        customer is not None and row["customer"] == customer and kind in {None, row["type"]}
    )
