"""One request on its way through this function (how: `paidonce.adapters.api.exchange`)."""

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from paidonce.adapters.api import exchange

from payments_api.services import Services

Exchange = exchange.Exchange[Services]


def current(router: BaseRouter) -> Exchange:
    """The request that a route was called for."""
    return exchange.current(router)
