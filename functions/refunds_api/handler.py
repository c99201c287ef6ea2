"""The entrance of the refunds API: an HTTP request (payload format 2.0) in, its answer out."""

from collections.abc import Mapping
from typing import Any

from paidonce.adapters.api.exchange import Exchange

from refunds_api import wiring
from refunds_api.application import serve


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler.

    Shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    exchange = Exchange.of(event, context, wiring.services)
    with wiring.telemetry.invocation(
        request_id=exchange.request_id, correlation_id=exchange.correlation_id
    ):
        return serve(exchange)
