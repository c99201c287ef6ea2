"""The entrance of the payments API: an HTTP request (payload format 2.0) in, its answer out."""

from collections.abc import Mapping
from typing import Any

from payments_api import wiring
from payments_api.application import serve
from payments_api.exchange import Exchange


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler.

    Shape: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    exchange = Exchange.of(event, context, wiring.services)
    with wiring.telemetry.invocation(
        request_id=exchange.request_id, correlation_id=exchange.correlation_id
    ):
        return serve(exchange)
