"""Gives payment methods to customers and takes them away."""

from collections.abc import Callable

from local.stripe.accounts import Account
from local.stripe.errors import card_error, refused
from local.stripe.payments.methods import card_of
from local.stripe.shapes import Json

Belongs = Callable[[Json], bool]


def attach(account: Account, method: Json, customer: Json) -> Json:
    """The method, now the customer's; 402 for a card that is refused at once."""
    kept = account.store.edit("payment_method", method["id"])
    if kept.get("_used_up"):
        raise refused(
            "This PaymentMethod was previously used without being attached to a Customer or was"
            " detached from a Customer, and may not be used again.",
            code="payment_method_unexpected_state",
        )
    if kept["customer"] == customer["id"]:
        return kept
    if kept["customer"] is not None:
        raise refused(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    card = card_of(kept)
    if card is not None and card.declined_at_once is not None:
        decline = card.declined_at_once
        raise card_error(decline.message, code=decline.code, decline_code=decline.decline_code)
    kept["customer"] = customer["id"]
    if kept["type"] == "card":
        kept["card"]["checks"]["cvc_check"] = card.cvc_check if card else "pass"
    account.emit("payment_method.attached", kept)
    return kept


def detach(account: Account, method: Json) -> Json:
    """The method, which nobody can use any more."""
    owner = method["customer"]
    method.update(customer=None, _used_up=True)
    account.emit("payment_method.detached", method, {"customer": owner})
    customer = account.store.find("customer", owner)
    if customer is not None:
        settings = customer.get("invoice_settings") or {}
        if settings.get("default_payment_method") == method["id"]:
            edited = account.store.edit("customer", owner)
            edited["invoice_settings"]["default_payment_method"] = None
            account.emit_update("customer.updated", edited)
    return method
