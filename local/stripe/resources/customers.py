"""Customers: docs.stripe.com/api/customers."""

from local.stripe.billing import discounts, subscribing
from local.stripe.call import Call, found
from local.stripe.errors import missing
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import listed
from local.stripe.payments import attaching, methods
from local.stripe.resources.tokens import attached_source
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata, previous_attributes, public
from local.stripe.spec.skeletons import skeleton
from local.stripe.spec.taking import take

KIND = "customer"
_ENDED = ("canceled", "incomplete_expired")
_PLAIN = [
    "address",
    "balance",
    "description",
    "email",
    "name",
    "phone",
    "shipping",
    "preferred_locales",
    "tax_exempt",
    "invoice_prefix",
    "next_invoice_sequence",
    "business_name",
    "individual_name",
]
_INVOICE_SETTINGS = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


@route("POST", "/v1/customers")
def create(call: Call) -> Json:
    """A new customer, with a first payment method when one is given."""
    customer = skeleton(
        KIND,
        **call.base,
        id=new_id(KIND, short=True),
        balance=0,
        delinquent=False,
        invoice_prefix=random_letters(8).upper(),
        invoice_settings=dict(_INVOICE_SETTINGS),
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
        test_clock=_test_clock(call),
    )
    if customer["test_clock"]:
        customer["created"] = call.account.frozen[customer["test_clock"]].now()
    for name in ("sources", "subscriptions", "tax_ids", "tax", "cash_balance"):
        customer.pop(name, None)
    call.store.add(customer)
    _take(call, customer)
    _take_older(call, customer)
    first = call.get("payment_method")
    if first:
        method = methods.usable(call.account, first)
        attaching.attach(call.account, method, customer)
        _set_default(call, customer, method)
    call.account.emit("customer.created", customer)
    return customer


@route("GET", "/v1/customers")
def index(call: Call) -> Json:
    """Customers, newest first; `email` compares letter by letter."""
    email = call.get("email")
    return listed(call, KIND, lambda row: email in {None, row["email"]})


@route("GET", "/v1/customers/{customer}")
def retrieve(call: Call) -> Json:
    """One customer; of a deleted one, that it was deleted."""
    present = call.store.find(KIND, call.path["customer"])
    if present is not None and present.get("deleted"):
        return present
    return call.named(KIND, "customer")


@route("POST", "/v1/customers/{customer}")
def update(call: Call) -> Json:
    """Changes a customer."""
    customer = call.edited(KIND, "customer")
    _take(call, customer)
    _take_older(call, customer)
    _set_default(call, customer, None)
    call.account.emit_update("customer.updated", customer)
    return customer


@route("DELETE", "/v1/customers/{customer}")
def delete(call: Call) -> Json:
    """Deletes a customer for good."""
    customer = call.edited(KIND, "customer")
    for row in call.store.oldest("subscription"):
        if row["customer"] == customer["id"] and row["status"] not in _ENDED:
            subscription = call.store.edit("subscription", row["id"])
            subscribing.end(call.account, subscription, "cancellation_requested")
    for method in call.store.oldest("payment_method"):
        if method["customer"] == customer["id"]:
            edited = call.store.edit("payment_method", method["id"])
            edited.update(customer=None, _used_up=True)
    call.account.emit("customer.deleted", customer)
    left = {"id": customer["id"], "object": KIND, "deleted": True}
    customer.clear()
    customer.update(left)
    return customer


@route("GET", "/v1/customers/{customer}/discount")
def retrieve_discount(call: Call) -> Json:
    """The customer's discount."""
    customer = call.named(KIND, "customer")
    if customer["discount"] is None:
        raise missing("discount", customer["id"], "customer")
    shown: Json = customer["discount"]
    return shown


@route("DELETE", "/v1/customers/{customer}/discount")
def delete_discount(call: Call) -> Json:
    """Takes the customer's discount away."""
    customer = call.edited(KIND, "customer")
    if customer["discount"] is None:
        raise missing("discount", customer["id"], "customer")
    discount = customer["discount"]
    _set_discount(call, customer, "")
    return {**discount, "deleted": True}


def _take_older(call: Call, customer: Json) -> None:
    """`source` and `coupon`, as older versions have them."""
    if call.get("source"):
        attached_source(call, customer, call.get("source"))
    if "coupon" in call.params:
        _set_discount(call, customer, call.get("coupon"))


def _set_discount(call: Call, customer: Json, coupon_id: str) -> None:
    former = customer["discount"]
    if not coupon_id:
        customer.update(discount=None, _discounts=[])
        if former is not None:
            call.account.emit("customer.discount.deleted", former)
        return
    discount = discounts.given(call.account, coupon_id, customer=customer["id"])
    customer.update(discount=public(discount), _discounts=[discount["id"]])
    if former is None:
        call.account.emit("customer.discount.created", discount)
    else:
        changed = previous_attributes(former, public(discount))
        call.account.emit("customer.discount.updated", discount, changed)


def _test_clock(call: Call) -> str | None:
    clock = call.referred("test_helpers.test_clock", "test_clock")
    return str(clock["id"]) if clock else None


def _take(call: Call, customer: Json) -> None:
    """Parameters that become fields."""
    take(customer, call.params, _PLAIN)
    customer["metadata"] = merged_metadata(customer["metadata"], call.get("metadata"))


def _set_default(call: Call, customer: Json, first: Json | None) -> None:
    """`invoice_settings`; a `pm_card_…` that was just attached means that very method."""
    given = call.get("invoice_settings")
    if not given:
        return
    emptied = {name: None if value == "" else value for name, value in given.items()}
    settings = {**customer["invoice_settings"], **emptied}
    chosen = given.get("default_payment_method")
    if chosen and first is not None and chosen == call.get("payment_method"):
        settings["default_payment_method"] = first["id"]
    elif chosen:
        found(
            call.account,
            "payment_method",
            chosen,
            param="invoice_settings[default_payment_method]",
            status=400,
        )
    customer["invoice_settings"] = settings
