"""What a restricted or publishable key may call, and Stripe's sentence when it may not."""

from local.stripe.errors import StripeError
from local.stripe.keys import ApiKey, KeyKind

# First part of a path -> Stripe's permission (docs.stripe.com/keys/permissions-reference) and
# the row's name in the Dashboard.
PERMISSIONS = {
    "account": ("account", "Account"),
    "balance": ("balance", "Balance"),
    "balance_transactions": ("balance_transaction_source", "Balance transaction sources"),
    "billing_portal": ("customer_portal", "Customer portal"),
    "charges": ("charge", "Charges and Refunds"),
    "checkout": ("checkout_session", "Checkout Sessions"),
    "coupons": ("coupon", "Coupons"),
    "customers": ("customer", "Customers"),
    "disputes": ("dispute", "Disputes"),
    "events": ("event", "Events"),
    "invoice_payments": ("invoice", "Invoices"),
    "invoiceitems": ("invoice", "Invoices"),
    "invoices": ("invoice", "Invoices"),
    "payment_intents": ("payment_intent", "PaymentIntents"),
    "payment_methods": ("payment_method", "PaymentMethods"),
    "payment_pages": ("checkout_session", "Checkout Sessions"),
    "plans": ("plan", "Plans and Prices"),
    "prices": ("plan", "Plans and Prices"),
    "products": ("product", "Products"),
    "promotion_codes": ("promotion_code", "Promotion Codes"),
    "radar": ("charge", "Charges and Refunds"),
    "refunds": ("charge", "Charges and Refunds"),
    "setup_intents": ("setup_intent", "SetupIntents"),
    "subscription_items": ("subscription", "Subscriptions"),
    "subscriptions": ("subscription", "Subscriptions"),
    "test_helpers": ("billing_clock", "Test clocks"),
    "tokens": ("token", "Tokens"),
    "webhook_endpoints": ("webhook", "Webhook Endpoints"),
    # What the stand-in does not do, but a key may be asked for: 403 without, 404 with it.
    "payouts": ("payout", "Payouts"),
    "topups": ("topup", "Top-ups"),
    "transfers": ("transfer", "Transfers"),
}

NAMES = frozenset(
    f"{name}_{level}" for name, _ in PERMISSIONS.values() for level in ("read", "write")
)

# What a browser may do with a publishable key; intents need their client secret too.
_PUBLISHABLE = frozenset(
    {
        ("POST", "/v1/payment_methods"),
        ("POST", "/v1/tokens"),
        ("GET", "/v1/payment_intents/{intent}"),
        ("POST", "/v1/payment_intents/{intent}/confirm"),
        ("GET", "/v1/setup_intents/{intent}"),
        ("POST", "/v1/setup_intents/{intent}/confirm"),
        ("GET", "/v1/payment_pages/{session}"),
        ("POST", "/v1/payment_pages/{session}/confirm"),
    }
)


def check(key: ApiKey, method: str, path: str, account_id: str) -> None:
    """Raises 403 (401 for a publishable key) unless the key may do this."""
    if key.kind is KeyKind.PUBLISHABLE and (method, path) not in _PUBLISHABLE:
        raise StripeError(
            401,
            "This API call cannot be made with a publishable API key. Please use a secret API"
            " key. You can find a list of your API keys at"
            " https://dashboard.stripe.com/account/apikeys.",
            code="secret_key_required",
            stored=False,
        )
    if key.kind is KeyKind.RESTRICTED:
        _check_restricted(key, method, path, account_id)


def check_unbuilt(key: ApiKey, method: str, path: str, account_id: str) -> None:
    """Raises 403 for a path that Stripe has and the stand-in has not, unless the key may use it."""
    parts = path.split("/")
    if key.kind is KeyKind.RESTRICTED and len(parts) > 2 and parts[2] in PERMISSIONS:  # noqa: PLR2004 - "", "v1", name
        _check_restricted(key, method, path, account_id)


def check_expanded(key: ApiKey, kind: str, account_id: str) -> None:
    """Raises 403 unless a restricted key may read an object that an answer is to carry whole."""
    path = f"/v1/{_PATH_OF.get(kind, f'{kind}s')}"
    if key.kind is KeyKind.RESTRICTED and path.split("/")[2] in PERMISSIONS:
        _check_restricted(key, "GET", path, account_id)


# Kinds whose path is not their plural.
_PATH_OF = {"checkout.session": "checkout/sessions", "radar.early_fraud_warning": "radar"}


def needed(method: str, path: str) -> tuple[str, str]:
    """The permission for a path, as Stripe names it and as the Dashboard shows it."""
    name, shown = PERMISSIONS[path.split("/")[2]]
    level = "read" if method == "GET" or path.endswith("/create_preview") else "write"
    return f"{name}_{level}", f"{shown} {level.capitalize()}"


def _check_restricted(key: ApiKey, method: str, path: str, account_id: str) -> None:
    permission, shown = needed(method, path)
    # Write includes read, as in the Dashboard's columns.
    enough = {permission, permission.replace("_read", "_write")}
    if not enough & key.permissions:
        raise StripeError(
            403,
            f"Permission denied. The provided key '{key.masked}' does not have the required"
            f" permissions for this endpoint on account '{account_id}'. Enabling \"{shown}\""
            f" ('{permission}') permissions on this key would allow this request to continue."
            " You can edit permissions at https://dashboard.stripe.com/apikeys.",
            code="more_permissions_required",
            stored=False,
        )
