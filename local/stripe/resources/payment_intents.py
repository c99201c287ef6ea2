"""Payment intents: docs.stripe.com/api/payment_intents."""

from local.stripe.call import Call
from local.stripe.errors import invalid, refused
from local.stripe.listing import listed, same
from local.stripe.payments import charging, intents, methods, money
from local.stripe.payments.client_secrets import require_client_secret, seen_by
from local.stripe.payments.intents import Confirmation
from local.stripe.payments.method_types import (
    automatic_choice,
    options_for,
    require_return_url,
    types_for,
)
from local.stripe.payments.opening import new_intent
from local.stripe.rendering import rendered
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.taking import take

KIND = "payment_intent"
# Parameters that become fields as they are.
_PLAIN = [
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "application_fee_amount",
    "excluded_payment_method_types",
    "allowed_payment_method_types",
]
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


@route("POST", "/v1/payment_intents")
def create(call: Call) -> Json:
    """A new intent, confirmed at once when asked to."""
    intent = opened(call)
    method = _given_method(call, intent)
    if method is not None:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    if not call.get("confirm"):
        _refuse_without_confirm(call)
        call.store.add(intent)
        call.account.emit("payment_intent.created", intent)
        return intent
    if method is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can"
            " either update the PaymentIntent with a payment method and then confirm it again, or"
            " confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    require_return_url(call, intent)
    call.store.add(intent)
    call.account.emit("payment_intent.created", intent)
    intents.confirm(call.account, intent, method, _confirmation(call))
    return intent


def opened(call: Call) -> Json:
    """An intent from a request's parameters, not yet kept."""
    params = call.params
    currency = money.checked_currency(params["currency"])
    amount = money.checked_amount(params["amount"], currency)
    customer = call.referred("customer", "customer")
    intent = new_intent(
        call.account,
        amount=amount,
        currency=currency,
        customer=customer["id"] if customer else None,
        automatic_payment_methods=automatic_choice(call),
        capture_method=params.get("capture_method"),
        confirmation_method=params.get("confirmation_method"),
        metadata=merged_metadata({}, params.get("metadata")),
        payment_method_options=params.get("payment_method_options"),
        payment_method_types=types_for(call, currency),
    )
    _take_plain(intent, params)
    return intent


@route("GET", "/v1/payment_intents")
def index(call: Call) -> Json:
    """Intents, newest first."""
    call.referred("customer", "customer")
    return listed(call, KIND, same(call, "customer"))


@route("GET", "/v1/payment_intents/{intent}")
def retrieve(call: Call) -> Json:
    """One intent; with a publishable key only together with its client secret."""
    intent = call.named(KIND, "intent")
    require_client_secret(call, intent)
    return seen_by(call, intent)


@route("POST", "/v1/payment_intents/{intent}")
def update(call: Call) -> Json:
    """Changes what may still be changed; no event tells of it."""
    intent = call.edited(KIND, "intent")
    params = call.params
    if ("amount" in params or "currency" in params) and intent["status"] not in _OPEN:
        what = "amount" if "amount" in params else "currency"
        raise _unexpected(
            call,
            intent,
            f"This PaymentIntent's {what} could not be updated because it has a status of"
            f" {intent['status']}. You may only update the {what} of a PaymentIntent with one of"
            f" the following statuses: {', '.join(_OPEN)}.",
        )
    if "currency" in params:
        intent["currency"] = money.checked_currency(params["currency"])
    if "amount" in params:
        intent["amount"] = money.checked_amount(params["amount"], intent["currency"])
    if "customer" in params:
        customer = call.referred("customer", "customer")
        intent["customer"] = customer["id"] if customer else None
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    _take_plain(intent, params)
    if intent["status"] in _OPEN:
        method = _given_method(call, intent)
        if method is not None:
            intent.update(payment_method=method["id"], status="requires_confirmation")
    return intent


@route("POST", "/v1/payment_intents/{intent}/confirm")
def confirm(call: Call) -> Json:
    """Tries to pay."""
    intent = call.edited(KIND, "intent")
    require_client_secret(call, intent)
    _refuse_confirmed(call, intent)
    for name in ("receipt_email", "setup_future_usage", "shipping"):
        if call.get(name):
            intent[name] = call.get(name)
    if call.get("capture_method"):
        intent["capture_method"] = call.get("capture_method")
    if call.get("payment_method_options"):
        types = intent["payment_method_types"]
        intent["payment_method_options"] = options_for(types, call.get("payment_method_options"))
    method = _given_method(call, intent)
    if method is None:
        if intent["payment_method"] is None:
            raise _unexpected(
                call,
                intent,
                "You cannot confirm this PaymentIntent because it's missing a payment method. You"
                " can either update the PaymentIntent with a payment method and then confirm it"
                " again, or confirm it again directly with a payment method or ConfirmationToken.",
            )
        method = call.store.get("payment_method", intent["payment_method"])
    require_return_url(call, intent)
    intents.confirm(call.account, intent, method, _confirmation(call))
    return seen_by(call, intent)


@route("POST", "/v1/payment_intents/{intent}/capture")
def capture(call: Call) -> Json:
    """Takes what was authorized, all or a part; the rest is given back."""
    intent = call.edited(KIND, "intent")
    if intent["status"] != "requires_capture":
        raise _unexpected(
            call,
            intent,
            "This PaymentIntent could not be captured because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following statuses may be"
            " captured: requires_capture.",
        )
    amount = call.get("amount_to_capture", intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount to capture ({amount}) is greater than the amount that can be captured"
            f" ({intent['amount_capturable']}).",
            param="amount_to_capture",
            code="amount_too_large",
        )
    if amount < 1:
        money.checked_amount(amount, intent["currency"], "amount_to_capture")
    intent["metadata"] = merged_metadata(intent["metadata"], call.get("metadata"))
    charge = call.store.edit("charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    charging.settle(call.account, charge)
    call.account.emit_update("charge.captured", charge)
    intents.succeed(call.account, intent, amount)
    return intent


@route("POST", "/v1/payment_intents/{intent}/cancel")
def cancel(call: Call) -> Json:
    """Ends an intent that did not succeed."""
    intent = call.edited(KIND, "intent")
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(
            call,
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            " Only a PaymentIntent with one of the following statuses may be canceled:"
            f" {', '.join(_CANCELABLE)}.",
        )
    if intent.get("_session") and intent["status"] != "requires_capture":
        # https://docs.stripe.com/api/payment_intents/cancel; the words are ours.
        raise _unexpected(
            call, intent, "Expire the Checkout Session of this PaymentIntent instead."
        )
    intents.cancel(call.account, intent, call.get("cancellation_reason"))
    return intent


def _take_plain(intent: Json, params: Json) -> None:
    for name in ("transfer_data", "on_behalf_of"):
        if params.get(name):
            raise invalid(
                f"No such destination: '{params[name]}'", param=name, code="resource_missing"
            )
    take(intent, params, _PLAIN)


def _given_method(call: Call, intent: Json) -> Json | None:
    """The method of `payment_method` or `payment_method_data`, checked against the customer."""
    params = call.params
    if params.get("payment_method_data"):
        return methods.made(call.account, params["payment_method_data"], "payment_method_data")
    if not params.get("payment_method"):
        return None
    method = methods.usable(call.account, params["payment_method"])
    if method.get("_used_up"):
        raise refused(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, shared with a connected account without Customer attachment, or was"
            " detached from a Customer. It may not be used again. To use a PaymentMethod multiple"
            " times, you must attach it to a Customer first.",
            code="payment_method_unexpected_state",
        )
    if method["customer"] not in {None, intent["customer"]}:
        raise refused(
            f"The payment method {method['id']} belongs to the Customer {method['customer']}."
            " Please include the Customer in the `customer` parameter on the PaymentIntent.",
            code="payment_method_customer_mismatch",
            param="payment_method",
        )
    return method


def _confirmation(call: Call) -> Confirmation:
    return Confirmation(
        off_session=bool(call.get("off_session", False)),
        return_url=call.get("return_url"),
        use_stripe_sdk=call.get("use_stripe_sdk", False),
        error_on_requires_action=call.get("error_on_requires_action", False),
    )


def _refuse_without_confirm(call: Call) -> None:
    for name in ("off_session", "return_url", "error_on_requires_action"):
        if name in call.params:
            raise invalid(
                f"The parameter `{name}` cannot be passed when creating a PaymentIntent unless"
                " `confirm` is set to true.",
                param=name,
            )


def _refuse_confirmed(call: Call, intent: Json) -> None:
    if intent["status"] in _OPEN:
        return
    if intent["status"] == "succeeded":
        message = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being"
            " previously confirmed."
        )
    else:
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
            " Only a PaymentIntent with one of the following statuses may be confirmed:"
            " requires_confirmation, requires_action."
        )
    raise _unexpected(call, intent, message)


def _unexpected(call: Call, intent: Json, message: str) -> Exception:
    return refused(
        message,
        code="payment_intent_unexpected_state",
        payment_intent=rendered(call.account, intent),
    )
