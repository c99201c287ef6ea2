"""Charges, as results of payment intents: docs.stripe.com/api/charges."""

from local.stripe.accounts import Account
from local.stripe.call import Call
from local.stripe.errors import refused
from local.stripe.listing import envelope, listed, same
from local.stripe.payments import charging, intents
from local.stripe.rendering import includable
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.taking import take

KIND = "charge"
# A list inside an object shows its first ten.
_SHOWN = 10


@route("GET", "/v1/charges")
def index(call: Call) -> Json:
    """Charges, newest first."""
    return listed(call, KIND, same(call, "customer", "payment_intent", "transfer_group"))


@route("GET", "/v1/charges/{charge}")
def retrieve(call: Call) -> Json:
    """One charge."""
    return call.named(KIND, "charge")


@route("POST", "/v1/charges/{charge}")
def update(call: Call) -> Json:
    """Changes description, metadata, receipt e-mail, shipping or fraud details."""
    charge = call.edited(KIND, "charge")
    names = ("description", "receipt_email", "shipping", "transfer_group", "fraud_details")
    take(charge, call.params, names)
    charge["metadata"] = merged_metadata(charge["metadata"], call.get("metadata"))
    call.account.emit_update("charge.updated", charge)
    return charge


@route("POST", "/v1/charges/{charge}/capture")
def capture(call: Call) -> Json:
    """Takes an authorized charge through its intent."""
    charge = call.edited(KIND, "charge")
    if charge["captured"]:
        raise refused(
            f"Charge {charge['id']} has already been captured.", code="charge_already_captured"
        )
    charge.update(captured=True, amount_captured=call.get("amount", charge["amount"]))
    charging.settle(call.account, charge)
    call.account.emit_update("charge.captured", charge)
    intent = call.store.edit("payment_intent", charge["payment_intent"])
    intents.succeed(call.account, intent, charge["amount_captured"])
    return charge


@includable(KIND, "refunds")
def refunds_of(account: Account, charge: Json) -> Json:
    """The charge's refunds, newest first."""
    rows = [row for row in account.store.newest("refund") if row["charge"] == charge["id"]]
    url = f"/v1/charges/{charge['id']}/refunds"
    return envelope(url, rows[:_SHOWN], has_more=len(rows) > _SHOWN)
