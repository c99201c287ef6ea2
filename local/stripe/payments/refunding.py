"""Refunds: made, failed after success, and what they do to their charge."""

from local.stripe.accounts import Account
from local.stripe.errors import invalid, refused
from local.stripe.identifiers import new_id, random_letters
from local.stripe.payments import balance, fraud_warnings, money
from local.stripe.payments.methods import card_of
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

# In test mode a refund that changes later does so "some time later"; here after seconds.
_LATER_SECONDS = 2
_STANDING = ("pending", "requires_action", "succeeded")


def refund(account: Account, charge: Json, params: Json) -> Json:
    """A refund of a charge; 400 when there is nothing, or not enough, to give back."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    _check(charge, amount, left)
    after = getattr(card_of(charge), "after", None)
    made = skeleton(
        "refund",
        id=new_id("refund"),
        amount=amount,
        charge=charge["id"],
        created=account.now_for(charge["customer"]),
        currency=charge["currency"],
        destination_details=_destination(charge),
        metadata=merged_metadata({}, params.get("metadata")),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        status="pending" if after == "pending_refund" else "succeeded",
    )
    for name in ("customer", "customer_account", "payment_method"):
        made.pop(name, None)
    if after == "pending_refund":
        made["pending_reason"] = "processing"
    made["balance_transaction"] = balance.entry(
        account, amount=-amount, currency=made["currency"], kind="refund", source=made["id"]
    )["id"]
    account.store.add(made)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    if params.get("reason") == "fraudulent":
        charge["fraud_details"] = {"user_report": "fraudulent"}
    account.emit("refund.created", made)
    account.emit_update("charge.refunded", charge)
    fraud_warnings.follow(account, charge)
    _plan(account, made["id"], after)
    return made


def cancel(account: Account, made: Json) -> None:
    """Ends a refund that waits for the customer."""
    if made["status"] not in {"requires_action", "pending"}:
        raise refused(
            f"The refund {made['id']} cannot be canceled because it has a status of"
            f" {made['status']}."
        )
    made["status"] = "canceled"
    _give_back_to_charge(account, made)
    _tell(account, made)


def fail(account: Account, refund_id: str, reason: str = "expired_or_canceled_card") -> None:
    """A refund that the bank sent back, even after it had succeeded."""
    present = account.store.find("refund", refund_id)
    if present is None or present["status"] not in _STANDING:
        return
    made = account.store.edit("refund", refund_id)
    made.update(status="failed", failure_reason=reason)
    made.pop("pending_reason", None)
    made["failure_balance_transaction"] = balance.entry(
        account,
        amount=made["amount"],
        currency=made["currency"],
        kind="refund_failure",
        source=made["id"],
    )["id"]
    _give_back_to_charge(account, made)
    account.emit_update("charge.refund.updated", made)
    account.emit_update("refund.updated", made)
    account.emit("refund.failed", made)


def _settle(account: Account, refund_id: str) -> None:
    present = account.store.find("refund", refund_id)
    if present is None or present["status"] != "pending":
        return
    made = account.store.edit("refund", refund_id)
    made["status"] = "succeeded"
    made.pop("pending_reason", None)
    _tell(account, made)


def _tell(account: Account, made: Json) -> None:
    account.emit_update("charge.refund.updated", made)
    account.emit_update("refund.updated", made)


def _plan(account: Account, refund_id: str, after: str | None) -> None:
    if after == "pending_refund":
        account.timers.after(_LATER_SECONDS, lambda: _settle(account, refund_id))
    elif after == "refund_fail":
        account.timers.after(_LATER_SECONDS, lambda: fail(account, refund_id))


def _give_back_to_charge(account: Account, made: Json) -> None:
    charge = account.store.edit("charge", made["charge"])
    charge["amount_refunded"] -= made["amount"]
    charge["refunded"] = False
    account.emit_update("charge.updated", charge)
    fraud_warnings.follow(account, charge)


def _check(charge: Json, amount: int, left: int) -> None:
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise refused(
            f"This Charge ({charge['id']}) does not have a successful payment to refund.",
            code="charge_not_refundable",
        )
    if charge["disputed"] and charge.get("_not_refundable"):
        raise refused(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if left == 0:
        raise refused(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            param="amount",
            code="parameter_invalid_integer",
        )
    if amount > left:
        shown = money.shown(amount, charge["currency"]).split()[0]
        rest = money.shown(left, charge["currency"]).split()[0]
        raise invalid(
            f"Refund amount ({shown}) is greater than unrefunded amount on charge ({rest})",
            param="amount",
        )


def _destination(charge: Json) -> Json:
    kind = (charge["payment_method_details"] or {}).get("type", "card")
    if kind != "card":
        return {"type": kind}
    return {
        "card": {
            "reference": random_letters(15),
            "reference_status": "available",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
        "type": "card",
    }
