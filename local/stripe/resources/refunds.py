"""Refunds: docs.stripe.com/api/refunds."""

from local.stripe.call import Call
from local.stripe.errors import invalid, refused
from local.stripe.listing import listed, same
from local.stripe.payments import refunding
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata

KIND = "refund"


@route("POST", "/v1/refunds")
def create(call: Call) -> Json:
    """Gives back a charge, all or a part, by its id or its intent's."""
    return refunding.refund(call.account, _charge(call), call.params)


@route("GET", "/v1/refunds")
def index(call: Call) -> Json:
    """Refunds, newest first."""
    return listed(call, KIND, same(call, "charge", "payment_intent"))


@route("GET", "/v1/refunds/{refund}")
def retrieve(call: Call) -> Json:
    """One refund."""
    return call.named(KIND, "refund")


@route("POST", "/v1/refunds/{refund}")
def update(call: Call) -> Json:
    """Changes metadata, nothing else."""
    made = call.edited(KIND, "refund")
    made["metadata"] = merged_metadata(made["metadata"], call.get("metadata"))
    call.account.emit_update("charge.refund.updated", made)
    call.account.emit_update("refund.updated", made)
    return made


@route("POST", "/v1/refunds/{refund}/cancel")
def cancel(call: Call) -> Json:
    """Ends a refund that is not through yet."""
    made = call.edited(KIND, "refund")
    refunding.cancel(call.account, made)
    return made


@route("POST", "/v1/charges/{charge}/refunds")
def create_for_charge(call: Call) -> Json:
    """The older way to the same."""
    charge = call.edited("charge", "charge")
    return refunding.refund(call.account, charge, call.params)


@route("GET", "/v1/charges/{charge}/refunds")
def index_for_charge(call: Call) -> Json:
    """A charge's refunds, newest first."""
    charge = call.named("charge", "charge")
    return listed(call, KIND, lambda row: row["charge"] == charge["id"])


def _charge(call: Call) -> Json:
    charge = call.referred("charge", "charge")
    intent = call.referred("payment_intent", "payment_intent")
    if charge is None and intent is None:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or"
            " charge.",
            code="parameter_missing",
        )
    if intent is not None:
        latest = call.store.find("charge", intent["latest_charge"])
        if latest is None or intent["status"] != "succeeded":
            raise refused(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
        charge = latest
    return call.store.edit("charge", charge["id"] if charge else "")
