"""Disputes: opened by cards or controls, won, lost."""

from local.stripe.accounts import Account
from local.stripe.identifiers import new_id
from local.stripe.payments import balance, fraud_warnings, intents
from local.stripe.payments.cards import TestCard
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

# Stripe's dispute fee in the United States, and the days that a merchant has to answer.
_FEE = 1500
_DUE_SECONDS = 9 * 24 * 3600
_OPENED_BY = {
    "dispute_fraudulent": ("fraudulent", "needs_response"),
    "dispute_product_not_received": ("product_not_received", "needs_response"),
    "inquiry": ("fraudulent", "warning_needs_response"),
}


def after_charge(account: Account, charge: Json, card: TestCard) -> None:
    """What a test card with consequences brings."""
    if card.after == "early_fraud_warning":
        fraud_warnings.warn(account, charge, {})
    elif card.after == "disputes":
        opened(account, charge, {"amount": charge["amount"] // 2})
        opened(account, charge, {"amount": charge["amount"] - charge["amount"] // 2})
    elif card.after in _OPENED_BY:
        reason, status = _OPENED_BY[card.after]
        opened(account, charge, {"reason": reason, "status": status})


intents.AFTER_CHARGE.append(after_charge)


def opened(account: Account, charge: Json, wanted: Json) -> Json:
    """A dispute over a charge; an inquiry moves no money yet."""
    status = wanted.get("status", "needs_response")
    now = account.now_for(charge["customer"])
    dispute = skeleton(
        "dispute",
        id=new_id("dispute"),
        amount=wanted.get("amount", charge["amount"]),
        charge=charge["id"],
        created=now,
        currency=charge["currency"],
        evidence=_evidence(charge),
        evidence_details={
            "due_by": now + _DUE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=status.startswith("warning"),
        livemode=account.livemode,
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": charge["payment_method_details"]["card"]["brand"],
                "network": charge["payment_method_details"]["card"]["network"],
                "case_type": "inquiry" if status.startswith("warning") else "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        reason=wanted.get("reason", "fraudulent"),
        status=status,
    )
    account.store.add(dispute)
    edited = account.store.edit("charge", charge["id"])
    edited["disputed"] = True
    account.emit("charge.dispute.created", dispute)
    if not status.startswith("warning"):
        edited["_not_refundable"] = True
        _move(account, dispute, -dispute["amount"], _FEE)
        account.emit("charge.dispute.funds_withdrawn", dispute)
    fraud_warnings.follow(account, edited)
    return dispute


def submitted(account: Account, dispute: Json) -> None:
    """Evidence went to the bank; Stripe's test texts decide how it ends."""
    details = dispute["evidence_details"]
    details.update(has_evidence=True, submission_count=details["submission_count"] + 1)
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_under_review" if inquiry else "under_review"
    account.emit_update("charge.dispute.updated", dispute)
    text = dispute["evidence"]["uncategorized_text"]
    if text == "winning_evidence":
        closed(account, dispute, won=True)
    elif text == "losing_evidence":
        closed(account, dispute, won=False)


def closed(account: Account, dispute: Json, *, won: bool) -> None:
    """The bank decided, or the merchant gave up."""
    if dispute["status"].startswith("warning"):
        dispute["status"] = "warning_closed"
    else:
        dispute["status"] = "won" if won else "lost"
    account.emit("charge.dispute.closed", dispute)
    if dispute["status"] == "won":
        _move(account, dispute, dispute["amount"], -_FEE)
        account.store.edit("charge", dispute["charge"])["_not_refundable"] = False
        account.emit("charge.dispute.funds_reinstated", dispute)


def _move(account: Account, dispute: Json, amount: int, fee: int) -> None:
    booked = balance.entry(
        account,
        amount=amount,
        currency=dispute["currency"],
        kind="adjustment",
        source=dispute["id"],
        fee=fee,
    )
    dispute["balance_transactions"] = [
        *dispute["balance_transactions"],
        {key: value for key, value in booked.items() if not key.startswith("_")},
    ]


def _evidence(charge: Json) -> Json:
    evidence = skeleton("dispute_evidence", enhanced_evidence={})
    evidence.update(
        customer_email_address=charge["billing_details"]["email"],
        customer_name=charge["billing_details"]["name"],
    )
    return evidence
