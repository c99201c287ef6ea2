"""Disputes and early fraud warnings: docs.stripe.com/api/disputes, /radar."""

from local.stripe.call import Call
from local.stripe.errors import refused
from local.stripe.listing import listed, same
from local.stripe.payments import disputing
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata

KIND = "dispute"
WARNING = "radar.early_fraud_warning"
_OPEN = ("needs_response", "warning_needs_response")


@route("GET", "/v1/disputes")
def index(call: Call) -> Json:
    """Disputes, newest first."""
    return listed(call, KIND, same(call, "charge", "payment_intent"))


@route("GET", "/v1/disputes/{dispute}")
def retrieve(call: Call) -> Json:
    """One dispute."""
    return call.named(KIND, "dispute")


@route("POST", "/v1/disputes/{dispute}")
def update(call: Call) -> Json:
    """Evidence and metadata; evidence is submitted unless `submit` is false."""
    dispute = call.edited(KIND, "dispute")
    evidence: Json = dict(call.get("evidence") or {})
    if evidence.get("enhanced_evidence") == "":
        evidence["enhanced_evidence"] = {}
    if evidence and dispute["status"] not in _OPEN:
        raise refused("This dispute has already been submitted.", code="dispute_already_submitted")
    dispute["metadata"] = merged_metadata(dispute["metadata"], call.get("metadata"))
    dispute["evidence"] = {**dispute["evidence"], **evidence}
    if evidence and call.get("submit", True):
        disputing.submitted(call.account, dispute)
    else:
        dispute["evidence_details"]["has_evidence"] |= bool(evidence)
        call.account.emit_update("charge.dispute.updated", dispute)
    return dispute


@route("POST", "/v1/disputes/{dispute}/close")
def close(call: Call) -> Json:
    """Gives a dispute up."""
    dispute = call.edited(KIND, "dispute")
    if dispute["status"] not in _OPEN:
        raise refused("This dispute is already closed.", code="dispute_already_closed")
    disputing.closed(call.account, dispute, won=False)
    return dispute


@route("GET", "/v1/radar/early_fraud_warnings")
def index_warnings(call: Call) -> Json:
    """Warnings, newest first."""
    return listed(call, WARNING, same(call, "charge", "payment_intent"))


@route("GET", "/v1/radar/early_fraud_warnings/{early_fraud_warning}")
def retrieve_warning(call: Call) -> Json:
    """One warning."""
    return call.named(WARNING, "early_fraud_warning")
