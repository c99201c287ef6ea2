"""Why a card says no: codes and sentences of docs.stripe.com/declines/codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decline:
    """A refusal as Stripe words it."""

    code: str
    decline_code: str
    message: str = "Your card was declined."
    advice_code: str | None = None
    # True when Radar stopped it before the bank was asked.
    blocked: bool = False


GENERIC = Decline("card_declined", "generic_decline", advice_code="try_again_later")
INSUFFICIENT_FUNDS = Decline(
    "card_declined",
    "insufficient_funds",
    "Your card has insufficient funds.",
    advice_code="try_again_later",
)
LOST = Decline("card_declined", "lost_card", advice_code="do_not_try_again")
STOLEN = Decline("card_declined", "stolen_card", advice_code="do_not_try_again")
EXPIRED = Decline(
    "expired_card", "expired_card", "Your card has expired.", advice_code="confirm_card_data"
)
INCORRECT_CVC = Decline(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    advice_code="confirm_card_data",
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    advice_code="try_again_later",
)
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount"
    " limit.",
)
FRAUDULENT = Decline("card_declined", "fraudulent", blocked=True)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
INCORRECT_ZIP = Decline(
    "incorrect_zip",
    "incorrect_zip",
    "The zip code you supplied failed validation.",
    advice_code="confirm_card_data",
)
