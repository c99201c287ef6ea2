"""The routes put together, with validation before them and our errors behind them."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
)
from paidonce.domain.errors import NotFound

from payments_api.body import parse, plain_event
from payments_api.exchange import Exchange, current, put
from payments_api.refusals import not_valid, refusal
from payments_api.routes import config, document, payments
from payments_api.shapes import NewPayment

app = APIGatewayHttpResolver(
    enable_validation=True,
    # Never the library's own debug answers, whatever the environment says.
    debug=False,
    json_body_deserializer=parse,
)
for module in (payments, config, document):
    app.include_router(module.router)

_SENTENCES = {name: field.description or "" for name, field in NewPayment.model_fields.items()}


def serve(exchange: Exchange) -> dict[str, Any]:
    """Answer one HTTP request; no error leaves as an exception."""
    try:
        event = plain_event(exchange.event)
        put(app, exchange)
        return app.resolve(event, exchange.context)
    except Exception as error:  # noqa: BLE001 - the function's edge (house.md section 5)
        return refusal(error, exchange)


def _not_valid(error: RequestValidationError) -> Response[Any]:
    return _refused(not_valid(error.errors(), _SENTENCES))


def _no_such_route(_: NotFoundError) -> Response[Any]:
    return _refused(NotFound("There is no such route."))


def _failed(error: Exception) -> Response[Any]:
    """What a route or a use case raises: errors of ours, and bugs."""
    return _refused(error)


def _refused(error: Exception) -> Response[Any]:
    answer = refusal(error, current(app))
    return Response(
        status_code=answer["statusCode"], headers=answer["headers"], body=answer["body"]
    )


app.exception_handler(RequestValidationError)(_not_valid)
app.exception_handler(NotFoundError)(_no_such_route)
app.exception_handler(Exception)(_failed)
