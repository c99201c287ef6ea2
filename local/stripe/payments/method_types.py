"""Which kinds of payment method an intent takes, and how each is to be used."""

from local.stripe.call import Call
from local.stripe.errors import invalid
from local.stripe.shapes import Json
from local.stripe.spec.document import LEGACY

# What this account has turned on in its Dashboard.
_ACTIVE = ("card", "link")
_ACTIVE_EUR = ("card", "link", "sepa_debit")

_OPTIONS: dict[str, Json] = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    },
    "link": {},
    "sepa_debit": {},
    "us_bank_account": {"verification_method": "automatic"},
    "customer_balance": {"funding_type": None},
}


def automatic_choice(call: Call) -> Json | None:
    """`automatic_payment_methods`: on by default since 2023-08-16, off where types are listed."""
    given: Json | None = call.get("automatic_payment_methods")
    if given is not None:
        if not given["enabled"]:
            return None
        return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": True}
    if call.release == LEGACY or "payment_method_types" in call.params:
        return None
    return {"allow_redirects": "always", "enabled": True}


def types_for(call: Call, currency: str) -> list[str]:
    """`payment_method_types`: as listed, or computed from what is active, allowed, excluded."""
    listed: list[str] | None = call.get("payment_method_types")
    if listed:
        for name in listed:
            _require_known(name)
        return listed
    if call.release == LEGACY and not call.get("automatic_payment_methods"):
        return ["card"]
    allowed = call.get("allowed_payment_method_types") or None
    excluded = call.get("excluded_payment_method_types") or ()
    active = _ACTIVE_EUR if currency == "eur" else _ACTIVE
    return [
        name for name in active if name not in excluded and (allowed is None or name in allowed)
    ]


def _require_known(name: str) -> None:
    if name not in _OPTIONS:
        raise invalid(
            f"The payment method type provided: {name} is invalid. Please ensure the provided type"
            " is activated in your dashboard"
            " (https://dashboard.stripe.com/account/payments/settings) and your account is enabled"
            " for any preview features that you are trying to use.",
            param="payment_method_types",
        )


def options_for(types: list[str], given: Json | str | None) -> Json:
    """`payment_method_options` with Stripe's defaults for each type."""
    chosen = given if isinstance(given, dict) else {}
    return {name: {**_OPTIONS.get(name, {}), **(chosen.get(name) or {})} for name in types}


def require_return_url(call: Call, intent: Json) -> None:
    """400 when the payer could be sent away and would not know where to come back."""
    choice = intent["automatic_payment_methods"]
    may_redirect = choice is not None and choice["allow_redirects"] == "always"
    if may_redirect and not call.get("return_url") and not call.get("use_stripe_sdk"):
        shown = "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
        raise invalid(
            f"This {shown} is configured to accept payment methods enabled in your Dashboard."
            " Because some of these payment methods might redirect your customer off of your page,"
            " you must provide a `return_url`. If you don't want to accept redirect-based payment"
            " methods, set `automatic_payment_methods[enabled]` to `true` and"
            " `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents"
            " and Payment Intents."
        )
