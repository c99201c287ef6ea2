"""Bank debits: pending first, and later paid or failed."""

from local.stripe.accounts import Account
from local.stripe.payments import charging, intents
from local.stripe.payments.declines import Decline
from local.stripe.shapes import Json

# A bank debit's answer takes days at Stripe; in its test mode, and here, seconds.
_BANK_SECONDS = 2
_FAILING_IBANS = ("AT861904300235473202", "AT591904300235473203", "IT60X0542811101000000123456")


def start(account: Account, intent: Json, method: Json) -> None:
    """A bank debit is pending first; its end comes by the clock."""
    charge = charging.pending(account, intent, method)
    intent.update(status="processing", latest_charge=charge["id"])
    account.emit("payment_intent.processing", intent)
    intents.keep_for_later(account, intent, method)
    fails = method.get("_iban") in _FAILING_IBANS
    intent_id = intent["id"]
    account.timers.after(_BANK_SECONDS, lambda: _end(account, intent_id, fails=fails))


def _end(account: Account, intent_id: str, *, fails: bool) -> None:
    present = account.store.find("payment_intent", intent_id)
    if present is None or present["status"] != "processing":
        return
    intent = account.store.edit("payment_intent", intent_id)
    charge = account.store.edit("charge", intent["latest_charge"])
    if not fails:
        charge.update(status="succeeded", paid=True)
        charging.settle(account, charge)
        account.emit("charge.succeeded", charge)
        intents.succeed(account, intent, charge["amount"])
        return
    refusal = Decline("charge_exceeds_source_limit", "generic_decline", "The debit failed.")
    method = account.store.get("payment_method", charge["payment_method"])
    charge.update(
        amount_captured=0,
        captured=False,
        failure_code=refusal.code,
        failure_message=refusal.message,
        status="failed",
    )
    account.emit("charge.failed", charge)
    intent.update(
        last_payment_error=charging.payment_error(refusal, charge, method),
        payment_method=None,
        processing=None,
        status="requires_payment_method",
    )
    account.emit("payment_intent.payment_failed", intent)
    intents.ended(account, intent)


intents.START_DEBIT.append(start)
