"""Makes payment intents, for requests and for what Stripe does by itself (invoices, checkout)."""

from typing import Any

from local.stripe.accounts import Account
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments.method_types import options_for
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton


def new_intent(
    account: Account, *, amount: int, currency: str, customer: str | None, **fields: Any
) -> Json:
    """An intent that asks for a payment method; not yet kept, so nobody knows of it."""
    intent_id = new_id("payment_intent")
    types = fields.pop("payment_method_types", ["card"])
    options = fields.pop("payment_method_options", None)
    return skeleton(
        "payment_intent",
        id=intent_id,
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method=fields.pop("capture_method", None) or "automatic_async",
        client_secret=f"{intent_id}_secret_{random_letters(25)}",
        confirmation_method=fields.pop("confirmation_method", None) or "automatic",
        created=account.now_for(customer),
        currency=currency,
        customer=customer,
        livemode=account.livemode,
        payment_method_options=options_for(types, options),
        payment_method_types=types,
        status="requires_payment_method",
        **fields,
    )
