"""Charges: what an attempt to pay leaves behind, whether the bank said yes or no."""

from local.stripe.accounts import Account
from local.stripe.errors import DOCS
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments import balance
from local.stripe.payments.cards import TestCard
from local.stripe.payments.declines import Decline
from local.stripe.payments.methods import card_of
from local.stripe.shapes import Json, clone
from local.stripe.spec.skeletons import skeleton

_RISK_SCORES = {"normal": 32, "elevated": 68, "highest": 97}


def succeeded(account: Account, intent: Json, method: Json, *, captured: bool) -> Json:
    """A charge that the bank authorized, captured or not."""
    charge = _bare(account, intent, method)
    card = card_of(method)
    charge.update(
        amount_captured=intent["amount"] if captured else 0,
        captured=captured,
        outcome=_outcome(card),
        paid=True,
        receipt_url=f"https://pay.stripe.com/receipts/payment/{random_letters(40)}?s=ap",
        status="succeeded",
    )
    if captured:
        settle(account, charge)
    account.store.add(charge)
    account.emit("charge.succeeded", charge)
    return charge


def pending(account: Account, intent: Json, method: Json) -> Json:
    """A charge of a bank debit, whose bank answers days later."""
    charge = _bare(account, intent, method)
    charge.update(amount_captured=intent["amount"], captured=True, status="pending")
    charge["outcome"] = {**_outcome(None), "network_status": "approved_by_network"}
    account.store.add(charge)
    account.emit("charge.pending", charge)
    return charge


def failed(account: Account, intent: Json, method: Json, decline: Decline) -> Json:
    """A charge that was refused."""
    charge = _bare(account, intent, method)
    charge.update(
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=_refused_outcome(card_of(method), decline),
        paid=False,
        status="failed",
    )
    account.store.add(charge)
    account.emit("charge.failed", charge)
    return charge


def settle(account: Account, charge: Json) -> None:
    """Books a captured charge on the balance."""
    amount = charge["amount_captured"]
    booked = balance.entry(
        account,
        amount=amount,
        currency=charge["currency"],
        kind="charge",
        source=charge["id"],
        fee=balance.fee_for(amount),
    )
    charge["balance_transaction"] = booked["id"]


def payment_error(
    decline: Decline, charge: Json | None, method: Json, *, kind: str = "card_error"
) -> Json:
    """`last_payment_error` for a refusal."""
    error: Json = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"{DOCS}/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": {k: clone(v) for k, v in method.items() if not k.startswith("_")},
        "type": kind,
    }
    if charge is not None:
        error["charge"] = charge["id"]
    if decline.advice_code is not None:
        error["advice_code"] = decline.advice_code
    return dict(sorted(error.items()))


def _bare(account: Account, intent: Json, method: Json) -> Json:
    """A charge with what it takes from its intent and payment method."""
    charge = skeleton(
        "charge",
        id=new_id("charge"),
        amount=intent["amount"],
        billing_details=clone(method["billing_details"]),
        calculated_statement_descriptor=intent["statement_descriptor"] or "PAID ONCE",
        created=account.now_for(intent["customer"]),
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        fraud_details={},
        livemode=account.livemode,
        metadata=clone(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_details(intent, method),
        radar_options={},
        receipt_email=intent["receipt_email"],
        shipping=clone(intent["shipping"]),
        statement_descriptor=intent["statement_descriptor"],
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        transfer_group=intent["transfer_group"],
    )
    del charge["refunds"]
    charge["_number"] = method.get("_number")
    return charge


def _details(intent: Json, method: Json) -> Json:
    kind = method["type"]
    if kind != "card":
        shown = {k: v for k, v in method[kind].items() if k != "generated_from"}
        return {kind: clone(shown), "type": kind}
    card = method["card"]
    checks = {**card["checks"], "cvc_check": _cvc_check(method)}
    authenticated = intent.get("_authenticated") == method["id"]
    return {
        "card": {
            "amount_authorized": intent["amount"],
            "authorization_code": f"{int(intent['created']) % 1_000_000:06d}",
            "brand": card["brand"],
            "checks": checks,
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": str(int(intent["created"]) * 7919 % 10**15),
            "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": _three_d_secure() if authenticated else None,
            "wallet": None,
        },
        "type": "card",
    }


def _cvc_check(method: Json) -> str:
    card = card_of(method)
    return card.cvc_check if card is not None else "pass"


def _three_d_secure() -> Json:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": random_letters(36),
        "version": "2.2.0",
    }


def _outcome(card: TestCard | None) -> Json:
    risk = card.risk if card is not None else "normal"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None if risk == "normal" else "elevated_risk_level",
        "risk_level": risk,
        "risk_score": _RISK_SCORES[risk],
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _refused_outcome(card: TestCard | None, decline: Decline) -> Json:
    outcome = _outcome(card)
    if decline.blocked:
        outcome.update(
            network_status="not_sent_to_network",
            reason="highest_risk_level",
            seller_message="Stripe blocked this payment as too risky.",
            type="blocked",
        )
        return outcome
    spoken = (
        "The bank did not return any further details with this decline."
        if decline.decline_code == "generic_decline"
        else f"The bank returned the decline code `{decline.decline_code}`."
    )
    outcome.update(
        advice_code=decline.advice_code,
        network_status="declined_by_network",
        reason=decline.decline_code,
        seller_message=spoken,
        type="issuer_declined",
    )
    return outcome
