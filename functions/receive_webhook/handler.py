"""The receiver's entrance: an HTTP request in; 200 out only when the queue has the event."""

from collections.abc import Mapping
from typing import Any

from paidonce.domain.errors import (
    InvalidRequest,
    NotConfigured,
    Rejected,
    SignatureInvalid,
    TooLarge,
    TryAgain,
)

from receive_webhook import request, wiring

# What each way of not accepting is counted as; anything else is a bug of ours.
_METRIC_OF = {
    SignatureInvalid: "SignatureRefused",
    InvalidRequest: "WebhookInvalid",
    TooLarge: "WebhookTooLarge",
    NotConfigured: "WebhookNotConfigured",
    TryAgain: "WebhookNotQueued",
}
_BUG = "WebhookFailed"


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler; every answer but 200 makes Stripe deliver the event again."""
    request_id = request.request_id(event, otherwise=context.aws_request_id)
    with wiring.telemetry.invocation(request_id=context.aws_request_id, correlation_id=request_id):
        try:
            wiring.receive_webhook(request.read(event, request_id=request_id))
        except Exception as error:  # noqa: BLE001 - the edge: an error that left here would be logged with its text
            _tell(error)
            return wiring.answer(error, request_id)
        return wiring.respond(200, {"received": True})


def _tell(error: Exception) -> None:
    """One line and one count; the texts of what we reject are ours and repeat nothing."""
    metric = next((name for kind, name in _METRIC_OF.items() if isinstance(error, kind)), _BUG)
    wiring.telemetry.count(metric)
    if isinstance(error, Rejected):
        wiring.telemetry.fact("webhook refused", code=error.code, why=str(error))
    else:
        wiring.telemetry.fault("webhook not accepted", error)
