"""Subscriptions: docs.stripe.com/api/subscriptions."""

from local.stripe.accounts import Account
from local.stripe.billing import discounts, items, renewing, setting_up, subscribing
from local.stripe.call import Call, found
from local.stripe.errors import invalid, refused
from local.stripe.identifiers import new_id
from local.stripe.listing import envelope, listed
from local.stripe.rendering import includable
from local.stripe.resources.subscription_changes import changed
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

KIND = "subscription"
_DAY = 24 * 3600
_ENDED = ("canceled", "incomplete_expired")
_SHOWN = 10


@route("POST", "/v1/subscriptions")
def create(call: Call) -> Json:
    """A new subscription with its first invoice."""
    customer_id = call.get("customer")
    if not customer_id:
        raise invalid(
            "Missing required param: customer.", param="customer", code="parameter_missing"
        )
    customer = found(call.account, "customer", customer_id, param="customer", status=400)
    return begin(call, customer, call.params)


@route("POST", "/v1/customers/{customer}/subscriptions")
def create_for_customer(call: Call) -> Json:
    """The older way to the same."""
    return begin(call, call.named("customer", "customer"), call.params)


def begin(call: Call, customer: Json, params: Json) -> Json:
    """A subscription of a customer, begun."""
    wanted = params.get("items")
    if not wanted:
        raise invalid("Missing required param: items.", param="items", code="parameter_missing")
    account = call.account
    subscription = _bare(call, customer, params)
    call.store.add(subscription)
    made = [items.new_item(account, subscription, each, place) for place, each in enumerate(wanted)]
    currencies = {item["price"]["currency"] for item in made}
    if len(currencies) > 1:
        raise invalid("All prices on a subscription must have the same `currency`.", param="items")
    subscription["currency"] = made[0]["price"]["currency"]
    _take_trial(subscription, params)
    items.set_period(account, subscription, subscription["start_date"], subscription["trial_end"])
    behavior = params.get("payment_behavior") or "allow_incomplete"
    _require_method(call, subscription, behavior)
    status = subscription["status"]
    due = any(items.amount_of(item) for item in made)
    if status == "active" and due and subscription["collection_method"] != "send_invoice":
        subscription["status"] = "incomplete"
    account.emit("customer.subscription.created", subscription)
    subscribing.first_invoice(account, subscription, behavior)
    setting_up.begin(account, subscription)
    account.emit_update("customer.subscription.updated", subscription)
    renewing.begin(account, subscription)
    return subscription


@route("GET", "/v1/subscriptions")
def index(call: Call) -> Json:
    """Subscriptions, newest first; ended ones only when asked for."""
    customer, price, status = call.get("customer"), call.get("price"), call.get("status")

    def belongs(row: Json) -> bool:
        if customer and row["customer"] != customer:
            return False
        if price and all(item["price"]["id"] != price for item in row["items"]["data"]):
            return False
        if status in {None, "all"}:
            return status == "all" or row["status"] not in _ENDED
        return row["status"] in _ENDED if status == "ended" else bool(row["status"] == status)

    return listed(call, KIND, belongs)


@route("GET", "/v1/subscriptions/{subscription_exposed_id}")
def retrieve(call: Call) -> Json:
    """One subscription."""
    return call.named(KIND, "subscription_exposed_id")


@route("POST", "/v1/subscriptions/{subscription_exposed_id}")
def update(call: Call) -> Json:
    """Changes items (with proration), trial, cancellation, pause, method, metadata."""
    subscription = call.edited(KIND, "subscription_exposed_id")
    if subscription["status"] in _ENDED:
        raise refused(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    changed(call, subscription)
    call.account.emit_update("customer.subscription.updated", subscription)
    return subscription


@route("DELETE", "/v1/subscriptions/{subscription_exposed_id}")
def cancel(call: Call) -> Json:
    """Ends a subscription now."""
    subscription = call.edited(KIND, "subscription_exposed_id")
    details = call.get("cancellation_details") or {}
    subscribing.end(call.account, subscription, "cancellation_requested", details)
    return subscription


@includable("customer", "subscriptions")
def subscriptions_of(account: Account, customer: Json) -> Json:
    """A customer's subscriptions that have not ended."""
    rows = [
        row
        for row in account.store.newest(KIND)
        if row["customer"] == customer["id"] and row["status"] not in _ENDED
    ]
    url = f"/v1/customers/{customer['id']}/subscriptions"
    return envelope(url, rows[:_SHOWN], has_more=len(rows) > _SHOWN)


def _bare(call: Call, customer: Json, params: Json) -> Json:
    """A subscription without items and period."""
    now = call.account.now_for(customer["id"])
    owner = {"customer": customer["id"]}
    wanted = params.get("discounts") or (
        [{"coupon": params["coupon"]}] if params.get("coupon") else []
    )
    settings = params.get("payment_settings") or {}
    subscription = skeleton(
        KIND,
        id=new_id(KIND),
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None},
        billing_cycle_anchor=params.get("billing_cycle_anchor") or now,
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        cancel_at_period_end=bool(params.get("cancel_at_period_end")),
        cancellation_details=subscribing.no_details(),
        collection_method=params.get("collection_method") or "charge_automatically",
        created=now,
        customer=customer["id"],
        days_until_due=params.get("days_until_due"),
        default_payment_method=_method(call, customer, params.get("default_payment_method")),
        default_tax_rates=[],
        description=params.get("description"),
        discounts=discounts.from_params(call.account, wanted, **owner),
        invoice_settings=skeleton(
            "subscriptions_resource_subscription_invoice_settings", issuer={"type": "self"}
        ),
        livemode=call.account.livemode,
        metadata=merged_metadata({}, params.get("metadata")),
        payment_settings={
            "payment_method_options": None,
            "payment_method_types": settings.get("payment_method_types"),
            "save_default_payment_method": settings.get("save_default_payment_method", "off"),
        },
        start_date=now,
        status="active",
        test_clock=customer["test_clock"],
        trial_settings=params.get("trial_settings")
        or {"end_behavior": {"missing_payment_method": "create_invoice"}},
    )
    if subscription["cancel_at_period_end"]:
        subscription["canceled_at"] = now
    return subscription


def _method(call: Call, customer: Json, given: str | None) -> str | None:
    if not given:
        return None
    method = found(
        call.account, "payment_method", given, param="default_payment_method", status=400
    )
    if method["customer"] != customer["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {given}. The payment method"
            " must be attached to the customer.",
            param="default_payment_method",
            code="resource_missing",
        )
    return str(method["id"])


def _take_trial(subscription: Json, params: Json) -> None:
    """`trial_period_days` or `trial_end`."""
    start, end = subscription["start_date"], params.get("trial_end")
    days: int = params.get("trial_period_days") or 0
    if end == "now" or (not days and not end):
        return
    trial_end = end or start + days * _DAY
    if trial_end <= start:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future.",
            param="trial_end",
        )
    subscription.update(
        billing_cycle_anchor=trial_end, status="trialing", trial_end=trial_end, trial_start=start
    )


def _require_method(call: Call, subscription: Json, behavior: str) -> None:
    """400 when the first invoice would have to be charged and nobody can be."""
    customer = call.store.get("customer", subscription["customer"])
    has_method = (
        subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
        or customer["default_source"]
    )
    owed = sum(items.amount_of(item) for item in items.of(call.account, subscription))
    waits = behavior == "default_incomplete" or subscription["status"] == "trialing"
    if (
        not has_method
        and owed
        and not waits
        and subscription["collection_method"] != "send_invoice"
    ):
        raise refused(
            "This customer has no attached payment source or default payment method. Please"
            " consider adding a default payment method. For more information, visit"
            " https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )
