"""What a customer should do when a renewal fails, by the code of the decline.

The codes and what they ask for: Stripe's page "Decline codes" (November 2026). Where a code would
help a thief, the step is the same as for any other card that does not work.
"""

from enum import Enum


class NextStep(Enum):
    """The step, as a sentence for the customer."""

    CONFIRM = "Your bank asks you to confirm the payment: open your account and follow its steps."
    ADD_FUNDS = (
        "Make sure that your card has enough funds: we try again in a few days. You can also add"
        " another payment method."
    )
    WAIT = "There is nothing to do now: we try again in a few days."
    NEW_CARD = "Please add a new payment method in your account."
    CALL_BANK = "Please ask your card's bank what is wrong, or add another payment method."


_STEPS = {
    NextStep.CONFIRM: (
        "authentication_required",
        "authentication_not_handled",
        "mobile_device_authentication_required",
        "payment_intent_authentication_failure",
    ),
    NextStep.ADD_FUNDS: (
        "insufficient_funds",
        "card_velocity_exceeded",
        "withdrawal_count_limit_exceeded",
    ),
    NextStep.WAIT: (
        "approve_with_id",
        "issuer_not_available",
        "processing_error",
        "reenter_transaction",
        "try_again_later",
    ),
    NextStep.CALL_BANK: (
        "call_issuer",
        "do_not_honor",
        "generic_decline",
        "no_action_taken",
        "not_permitted",
        "security_violation",
        "service_not_allowed",
        "transaction_not_allowed",
    ),
}
_STEP_OF = {code: step for step, codes in _STEPS.items() for code in codes}


def next_step(*, code: str | None, decline_code: str | None) -> NextStep:
    """The step for a decline; the decline code goes first, for it says more.

    An unknown code, or none at all, asks for a new payment method: that is always right.
    """
    for word in (decline_code, code):
        if word in _STEP_OF:
            return _STEP_OF[word]
    return NextStep.NEW_CARD
