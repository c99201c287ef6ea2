"""Ids in Stripe's forms: a prefix for the kind of object, then letters and digits."""

import secrets
import string

_LETTERS = string.ascii_letters + string.digits
# Stripe's ids carry 24 characters after the prefix for most objects.
_LENGTH = 24

PREFIXES = {
    "balance_transaction": "txn_",
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "card": "card_",
    "charge": "ch_",
    "checkout.session": "cs_",
    "customer": "cus_",
    "customer_balance_transaction": "cbtxn_",
    "discount": "di_",
    "dispute": "du_",
    "event": "evt_",
    "invoice": "in_",
    "invoice_payment": "inpay_",
    "invoiceitem": "ii_",
    "line_item": "il_",
    "item": "li_",
    "payment_intent": "pi_",
    "payment_method": "pm_",
    "plan": "price_",
    "price": "price_",
    "product": "prod_",
    "promotion_code": "promo_",
    "radar.early_fraud_warning": "issfr_",
    "refund": "re_",
    "setup_attempt": "setatt_",
    "setup_intent": "seti_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "test_helpers.test_clock": "clock_",
    "token": "tok_",
    "webhook_endpoint": "we_",
}


def random_letters(count: int = _LENGTH) -> str:
    """Letters and digits that nobody can guess."""
    number = secrets.randbits(count * 6)
    letters = []
    for _ in range(count):
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
    return "".join(letters)


def new_id(kind: str, *, short: bool = False) -> str:
    """An id for a new object of this kind; customers and products have short ones."""
    return PREFIXES[kind] + random_letters(14 if short else _LENGTH)
