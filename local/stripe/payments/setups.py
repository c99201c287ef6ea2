"""How a setup intent moves: a payment method is checked and kept for later."""

from collections.abc import Callable

from local.stripe.accounts import Account
from local.stripe.errors import StripeError, card_error
from local.stripe.identifiers import new_id
from local.stripe.payments import attaching, charging, declines
from local.stripe.payments.declines import Decline
from local.stripe.payments.intents import Confirmation, next_action
from local.stripe.payments.methods import card_of
from local.stripe.rendering import rendered
from local.stripe.shapes import Json

# What follows when a setup ends well (checkout sessions, subscriptions).
AFTER_SETUP: list[Callable[[Account, Json], None]] = []


def confirm(account: Account, setup: Json, method: Json, how: Confirmation) -> None:
    """Checks the method; StripeError 402 when the bank says no."""
    setup["payment_method"] = method["id"]
    setup["last_setup_error"] = None
    setup["latest_attempt"] = new_id("setup_attempt")
    card = card_of(method)
    # On setup every card that ever asks for authentication asks, but for the optional one.
    asks = card is not None and card.authentication not in {"never", "optional"}
    if asks and setup.get("_authenticated") != method["id"]:
        setup["_return_url"] = how.return_url
        setup.update(status="requires_action", next_action=next_action(account, setup, how))
        account.emit("setup_intent.requires_action", setup)
        return
    if card is not None and card.decline is not None and not card.declines_late:
        raise refuse(account, setup, method, card.decline)
    _succeed(account, setup, method)


def _succeed(account: Account, setup: Json, method: Json) -> None:
    kept = account.store.edit("payment_method", method["id"])
    kept["_authenticated"] = True
    customer = account.store.find("customer", setup["customer"])
    setup.update(status="succeeded", next_action=None, usage=setup["usage"] or "off_session")
    if customer is not None and kept["customer"] is None:
        attaching.attach(account, kept, customer)
    account.emit("setup_intent.succeeded", setup)
    for follow in AFTER_SETUP:
        follow(account, setup)


def refuse(account: Account, setup: Json, method: Json, decline: Decline) -> StripeError:
    """Records a refusal, and answers the error that tells it."""
    problem = charging.payment_error(decline, None, method)
    setup.update(
        last_setup_error=problem,
        next_action=None,
        payment_method=None,
        status="requires_payment_method",
    )
    account.emit("setup_intent.setup_failed", setup)
    return card_error(
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        setup_intent=rendered(account, setup),
        payment_method=problem["payment_method"],
    )


def authentication_ended(account: Account, setup: Json, *, succeeded: bool) -> None:
    """The payer passed, or failed, 3D Secure."""
    method = account.store.get("payment_method", setup["payment_method"])
    if not succeeded:
        refusal = Decline(
            "setup_intent_authentication_failure",
            declines.AUTHENTICATION_REQUIRED.decline_code,
            "The latest attempt to set up the payment method has failed because authentication"
            " failed.",
        )
        refuse(account, setup, method, refusal)
        return
    setup["_authenticated"] = method["id"]
    _succeed(account, setup, method)
