"""The account itself: docs.stripe.com/api/accounts."""

from local.stripe.call import Call
from local.stripe.router import route
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton


@route("GET", "/v1/account")
def retrieve(call: Call) -> Json:
    """The account that the key opens, with what a stand-in can say about it."""
    return {
        "id": call.account.id,
        "object": "account",
        "business_profile": {"name": "Paid Once"},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "payouts_enabled": True,
        "settings": {
            "branding": skeleton("account_branding_settings"),
            "card_payments": skeleton("account_card_payments_settings"),
            "dashboard": {"display_name": "Paid Once", "timezone": "Etc/UTC"},
            "payments": skeleton("account_payments_settings"),
        },
        "type": "standard",
    }
