"""What a shopper is told when a card is declined: by code, never in Stripe's own words.

The codes and what may be said of them: Stripe's page "Decline codes" (November 2026, 50 codes).
"""

_FUNDS = "Your card has insufficient funds. Please try a different payment method."
_GENERIC = "Your card was declined. Please try a different payment method."
_ISSUER = (
    "Your card was declined. Please contact your card issuer or try a different payment method."
)
_AUTHENTICATE = "Your bank asks you to confirm this payment. Please try again and follow its steps."
_SOON = "Your card could not be charged just now. Please try again in a moment."
_CURRENCY = "Your card does not support this currency. Please try a different payment method."
_PIN = "The PIN was entered wrong too often. Please try a different payment method."
_LIMIT = "Your card is over its limit. Please try a different payment method."
_TWICE = "A payment of the same amount was made just now. Please check before you pay again."
_ONLINE = "Your card cannot be used for this payment. Please try a different payment method."

_MESSAGES = {
    "insufficient_funds": _FUNDS,
    "authentication_required": _AUTHENTICATE,
    "authentication_not_handled": _AUTHENTICATE,
    "mobile_device_authentication_required": _AUTHENTICATE,
    "approve_with_id": _SOON,
    "issuer_not_available": _SOON,
    "processing_error": _SOON,
    "reenter_transaction": _SOON,
    "try_again_later": _SOON,
    # To say more about these would help a thief.
    "fraudulent": _GENERIC,
    "lost_card": _GENERIC,
    "stolen_card": _GENERIC,
    "merchant_blacklist": _GENERIC,
    "pickup_card": _GENERIC,
    "restricted_card": _GENERIC,
    "incorrect_number": "The card number is wrong. Please check it and try again.",
    "invalid_number": "The card number is wrong. Please check it and try again.",
    "incorrect_cvc": "The card's security code is wrong. Please check it and try again.",
    "invalid_cvc": "The card's security code is wrong. Please check it and try again.",
    "incorrect_zip": "The postal code does not match the card. Please check it and try again.",
    "incorrect_address": "The address does not match the card. Please check it and try again.",
    "invalid_expiry_month": "The card's expiry date is wrong. Please check it and try again.",
    "invalid_expiry_year": "The card's expiry date is wrong. Please check it and try again.",
    "incorrect_pin": "The PIN is wrong. Please try again.",
    "invalid_pin": "The PIN is wrong. Please try again.",
    "expired_card": "Your card has expired. Please try a different payment method.",
    "card_not_supported": _ONLINE,
    "currency_not_supported": _CURRENCY,
    "pin_try_exceeded": _PIN,
    "testmode_decline": "This is a test card. Please use a real one.",
    "offline_pin_required": _ONLINE,
    "online_or_offline_pin_required": _ONLINE,
    "card_velocity_exceeded": _LIMIT,
    "withdrawal_count_limit_exceeded": _LIMIT,
    "duplicate_transaction": _TWICE,
    "do_not_honor": _ISSUER,
    "do_not_try_again": _ISSUER,
    "generic_decline": _ISSUER,
    "call_issuer": _ISSUER,
    "no_action_taken": _ISSUER,
    "invalid_account": _ISSUER,
    "invalid_amount": _ISSUER,
    "new_account_information_available": _ISSUER,
    "transaction_not_allowed": _ISSUER,
    "not_permitted": _ISSUER,
    "service_not_allowed": _ISSUER,
    "security_violation": _ISSUER,
    "stop_payment_order": _ISSUER,
    "revocation_of_authorization": _ISSUER,
    "revocation_of_all_authorizations": _ISSUER,
}


def message_for(*, code: str | None, decline_code: str | None) -> str:
    """The sentence for a shopper; the decline code goes first, for it says more."""
    for word in (decline_code, code):
        if word in _MESSAGES:
            return _MESSAGES[word]
    return _GENERIC
