"""Routes put together, with validation before them and our errors behind them."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from paidonce.adapters.api.body import parse, plain_event
from paidonce.adapters.api.exchange import Exchange, current, put
from paidonce.adapters.api.idempotent import answer_once
from paidonce.adapters.api.refusals import not_valid, refusal
from paidonce.domain.errors import NotFound, Rejected

# At debug level Powertools writes what each route is called with: bodies and keys.
logging.getLogger("aws_lambda_powertools").setLevel(logging.INFO)


def application(
    routers: Iterable[APIGatewayHttpRouter], *, requests: Iterable[type[BaseModel]]
) -> APIGatewayHttpResolver:
    """A resolver of these routes; the descriptions of `requests` say what a wrong field must be."""
    app = APIGatewayHttpResolver(
        enable_validation=True,
        # Never the library's own debug answers, whatever the environment says.
        debug=False,
        json_body_deserializer=parse,
    )
    app.use(middlewares=[answer_once])
    for router in routers:
        app.include_router(router)
    sentences = {
        name: field.description or ""
        for request in requests
        for name, field in request.model_fields.items()
    }
    _answer_errors(app, sentences)
    return app


def serve(app: APIGatewayHttpResolver, exchange: Exchange[Any]) -> dict[str, Any]:
    """Answer one HTTP request; no error leaves as an exception."""
    answer = _answered(app, exchange)
    # What was wrong with it, a refusal has said before.
    exchange.services.telemetry.fact(
        "request answered", route=exchange.event.get("routeKey"), status=answer["statusCode"]
    )
    return answer


def _answered(app: APIGatewayHttpResolver, exchange: Exchange[Any]) -> dict[str, Any]:
    try:
        event = plain_event(exchange.event)
        put(app, exchange)
        return app.resolve(event, exchange.context)
    except Exception as error:  # noqa: BLE001 - the function's edge (house.md section 5)
        return refusal(error, exchange)


def _answer_errors(app: APIGatewayHttpResolver, sentences: Mapping[str, str]) -> None:
    def refused(error: Exception) -> Response[Any]:
        """What a route or a use case raises: errors of ours, and bugs."""
        answer = refusal(error, current(app))
        is_repeat = isinstance(error, Rejected) and error.is_repeat
        return Response(
            status_code=answer["statusCode"],
            headers=answer["headers"] | ({"Idempotent-Replayed": "true"} if is_repeat else {}),
            body=answer["body"],
        )

    def invalid(error: RequestValidationError) -> Response[Any]:
        return refused(not_valid(error.errors(), sentences))

    def no_such_route(_: NotFoundError) -> Response[Any]:
        return refused(NotFound("There is no such route."))

    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(NotFoundError)(no_such_route)
    app.exception_handler(Exception)(refused)
