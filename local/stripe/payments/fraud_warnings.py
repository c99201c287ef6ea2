"""Early fraud warnings: actionable until the money is back, or disputed."""

from local.stripe.accounts import Account
from local.stripe.identifiers import new_id
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

KIND = "radar.early_fraud_warning"


def warn(account: Account, charge: Json, wanted: Json) -> Json:
    """An early fraud warning about a charge."""
    warning = skeleton(
        KIND,
        id=new_id(KIND),
        actionable=wanted.get("actionable", _is_actionable(charge)),
        charge=charge["id"],
        created=account.now_for(charge["customer"]),
        fraud_type=wanted.get("fraud_type", "made_with_stolen_card"),
        livemode=account.livemode,
        payment_intent=charge["payment_intent"],
    )
    account.store.add(warning)
    account.emit(f"{KIND}.created", warning)
    return warning


def follow(account: Account, charge: Json) -> None:
    """After a refund or a dispute the warnings about a charge may be actionable no more."""
    ids = [w["id"] for w in account.store.oldest(KIND) if w["charge"] == charge["id"]]
    for warning_id in ids:
        warning = account.store.edit(KIND, warning_id)
        warning["actionable"] = _is_actionable(charge)
        account.emit_update(f"{KIND}.updated", warning)


def _is_actionable(charge: Json) -> bool:
    """Stripe's words: it has not received a dispute and has not been fully refunded."""
    return not charge["disputed"] and not charge["refunded"]
