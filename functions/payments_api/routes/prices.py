"""What is sold, and for how much."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.domain.caller import READ_PAYMENTS

from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.shapes import Prices

router = APIGatewayHttpRouter()


@router.get(
    "/prices",
    summary="The prices that are sold",
    description="Active prices of active products with a fixed amount, newest first, at most 1000. "
    "A change at Stripe shows within seconds of its event.",
    operation_id="list_prices",
    tags=["prices"],
    security=[{"token": [READ_PAYMENTS]}],
    responses=answers(
        {200: ("The prices", Prices)},
        *(400, 401, 403, 413, 429, 500, 503),
    ),
)
def list_prices() -> Response[dict[str, Any]]:
    """Show the catalogue."""
    exchange = current(router)
    exchange.caller(READ_PAYMENTS)
    return Response(
        status_code=HTTPStatus.OK,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
        body={"prices": exchange.services.prices.listed(time_left=exchange.time_left)},
    )
