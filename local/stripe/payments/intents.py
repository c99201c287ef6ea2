"""How a payment intent moves: confirmation, authentication, success, refusal, cancellation."""

from collections.abc import Callable
from dataclasses import dataclass

from local.stripe.accounts import Account
from local.stripe.errors import StripeError, card_error
from local.stripe.identifiers import new_id
from local.stripe.payments import charging, declines
from local.stripe.payments.cards import TestCard
from local.stripe.payments.declines import Decline
from local.stripe.payments.methods import card_of
from local.stripe.rendering import rendered
from local.stripe.shapes import Json

# Most card networks keep an authorization for seven days.
_AUTHORIZATION_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How the payer is there."""

    off_session: bool = False
    return_url: str | None = None
    use_stripe_sdk: bool = False
    error_on_requires_action: bool = False


# What happens after a charge of a card with consequences (disputes, fraud warnings); and what
# follows when an intent reaches an end (invoices, checkout sessions).
AFTER_CHARGE: list[Callable[[Account, Json, TestCard], None]] = []
AFTER_INTENT: list[Callable[[Account, Json], None]] = []
# What is done instead of asking a card's bank (debits.py).
START_DEBIT: list[Callable[[Account, Json, Json], None]] = []


def confirm(account: Account, intent: Json, method: Json, how: Confirmation) -> None:
    """Tries to pay; StripeError 402 when the bank or Radar says no (the intent keeps why)."""
    intent["payment_method"] = method["id"]
    intent["last_payment_error"] = None
    intent["next_action"] = None
    card = card_of(method)
    if card is not None and needs_authentication(card, intent, method, how):
        if how.off_session or how.error_on_requires_action:
            raise refuse(account, intent, method, declines.AUTHENTICATION_REQUIRED)
        _ask_for_action(account, intent, how)
        return
    authorize(account, intent, method)


def needs_authentication(card: TestCard, intent: Json, method: Json, how: Confirmation) -> bool:
    """Whether the payer must pass 3D Secure first."""
    if intent.get("_authenticated") == method["id"]:
        return False
    options = (intent.get("payment_method_options") or {}).get("card") or {}
    asked = options.get("request_three_d_secure") in {"any", "challenge"}
    if card.authentication == "setup_done":
        return not how.off_session
    if card.authentication == "once":
        return not method["_authenticated"]
    return card.authentication == "always" or (card.authentication == "optional" and asked)


def authorize(account: Account, intent: Json, method: Json) -> None:
    """Asks the bank, authentication aside."""
    card = card_of(method)
    if card is None:
        for start in START_DEBIT:
            start(account, intent, method)
        return
    if card.decline is not None:
        raise refuse(account, intent, method, card.decline)
    captured = intent["capture_method"] != "manual"
    charge = charging.succeeded(account, intent, method, captured=captured)
    intent["latest_charge"] = charge["id"]
    keep_for_later(account, intent, method)
    if captured:
        succeed(account, intent, charge["amount"])
    else:
        hold(account, intent)
    for follow in AFTER_CHARGE:
        follow(account, charge, card)


def hold(account: Account, intent: Json) -> None:
    """The money is set aside until it is captured, or the authorization expires."""
    intent.update(status="requires_capture", amount_capturable=intent["amount"])
    account.emit("payment_intent.amount_capturable_updated", intent)
    intent_id = intent["id"]
    expiry = account.now_for(intent["customer"]) + _AUTHORIZATION_SECONDS
    timers = account.timers_for(intent["customer"])
    timers.at(expiry, lambda: _expire_authorization(account, intent_id))


def _expire_authorization(account: Account, intent_id: str) -> None:
    present = account.store.find("payment_intent", intent_id)
    if present is None or present["status"] != "requires_capture":
        return
    intent = account.store.edit("payment_intent", intent_id)
    account.emit("charge.expired", account.store.get("charge", intent["latest_charge"]))
    cancel(account, intent, "automatic")


def succeed(account: Account, intent: Json, amount_received: int) -> None:
    """The money is there."""
    intent.update(
        status="succeeded",
        amount_received=amount_received,
        amount_capturable=0,
        next_action=None,
        processing=None,
    )
    account.emit("payment_intent.succeeded", intent)
    ended(account, intent)


def ended(account: Account, intent: Json) -> None:
    """Tells what waits for this intent (an invoice, a checkout session)."""
    for follow in AFTER_INTENT:
        follow(account, intent)


def refuse(account: Account, intent: Json, method: Json, decline: Decline) -> StripeError:
    """Records a refusal, and answers the error that tells it."""
    charge = charging.failed(account, intent, method, decline)
    problem = charging.payment_error(decline, charge, method)
    intent.update(
        latest_charge=charge["id"],
        last_payment_error=problem,
        next_action=None,
        payment_method=None,
        processing=None,
        status="requires_payment_method",
    )
    account.emit("payment_intent.payment_failed", intent)
    ended(account, intent)
    return card_error(
        decline.message,
        code=decline.code,
        decline_code=decline.decline_code,
        advice_code=decline.advice_code,
        charge=charge["id"],
        payment_intent=rendered(account, intent),
        payment_method=problem["payment_method"],
    )


def authentication_ended(account: Account, intent: Json, *, succeeded: bool) -> None:
    """The payer passed, or failed, 3D Secure; a bank's refusal after it is recorded, not raised."""
    method = account.store.get("payment_method", intent["payment_method"])
    if not succeeded:
        _authentication_failed(account, intent, method)
        return
    intent["_authenticated"] = method["id"]
    intent["next_action"] = None
    if intent["confirmation_method"] == "manual":
        # The server confirms once more: docs.stripe.com/payments/accept-a-payment-synchronously.
        intent["status"] = "requires_confirmation"
        return
    try:
        authorize(account, intent, method)
    except StripeError as error:
        if not error.keeps_changes:
            raise


def cancel(account: Account, intent: Json, reason: str | None) -> None:
    """Ends an intent that did not succeed; an authorization is given back."""
    if intent["status"] == "requires_capture":
        _give_back(account, intent)
    intent.update(
        status="canceled",
        canceled_at=account.clock.now(),
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
        processing=None,
    )
    account.emit("payment_intent.canceled", intent)
    ended(account, intent)


def next_action(account: Account, intent: Json, how: Confirmation) -> Json:
    """Where the payer is to go: to a page of ours, or to Stripe.js."""
    page = f"{account.base_url}/pages/3ds/{intent['id']}?client_secret={intent['client_secret']}"
    if how.return_url and not how.use_stripe_sdk:
        return {
            "redirect_to_url": {"return_url": how.return_url, "url": page},
            "type": "redirect_to_url",
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "source": new_id("payment_method").replace("pm_", "payatt_"),
            "stripe_js": page,
            "type": "three_d_secure_redirect",
        },
    }


def _ask_for_action(account: Account, intent: Json, how: Confirmation) -> None:
    intent["_return_url"] = how.return_url
    intent.update(status="requires_action", next_action=next_action(account, intent, how))
    account.emit("payment_intent.requires_action", intent)


def _authentication_failed(account: Account, intent: Json, method: Json) -> None:
    refusal = Decline(
        "payment_intent_authentication_failure",
        "",
        "The provided PaymentMethod has failed authentication. You can provide"
        " payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent"
        " again.",
    )
    problem = charging.payment_error(refusal, None, method, kind="invalid_request_error")
    del problem["decline_code"]
    intent.update(
        last_payment_error=problem,
        next_action=None,
        payment_method=None,
        status="requires_payment_method",
    )
    account.emit("payment_intent.payment_failed", intent)
    ended(account, intent)


def keep_for_later(account: Account, intent: Json, method: Json) -> None:
    """With `setup_future_usage` the method goes to the customer; without one it is used up."""
    if intent.get("_authenticated") == method["id"]:
        account.store.edit("payment_method", method["id"])["_authenticated"] = True
    kept = account.store.edit("payment_method", method["id"])
    if intent["setup_future_usage"] and intent["customer"] and kept["customer"] is None:
        kept["customer"] = intent["customer"]
        account.emit("payment_method.attached", kept)
    elif kept["customer"] is None:
        kept["_used_up"] = True


def _give_back(account: Account, intent: Json) -> None:
    charge = account.store.edit("charge", intent["latest_charge"])
    charge.update(amount_refunded=charge["amount"], refunded=True)
    account.emit_update("charge.refunded", charge)
