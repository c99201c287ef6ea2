"""The OpenAPI document of the whole API, the webhook's routes included.

Powertools writes it from the routes; what it adds for validation of its own (422) is never
answered here, so it is taken out.
"""

import json
from copy import copy
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api import refund_routes

from payments_api.body import BODY_BYTES_MAX

VERSION = "1.0.0"
_DESCRIPTION = (
    "Stripe payments on AWS: charged once, applied once, nothing lost. Bodies are JSON of at most "
    f"{BODY_BYTES_MAX} bytes; amounts are whole numbers of minor units; times are ISO 8601, UTC."
)
_UNUSED_SCHEMAS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")

router = APIGatewayHttpRouter()


@router.get(
    "/openapi.json",
    summary="This document",
    operation_id="show_openapi",
    tags=["stage"],
    responses={
        200: {
            "description": "OpenAPI 3.1",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
)
def show_document() -> Response[dict[str, Any]]:
    """Show the OpenAPI document."""
    return Response(
        status_code=200,
        content_type="application/json",
        body=document_of(router.api_resolver),  # type: ignore[arg-type]  # set when it is included
    )


def document_of(app: APIGatewayHttpResolver) -> dict[str, Any]:
    """The document of an app's routes, and of those that other functions serve."""
    document, refunds = _written(app), _written(_refunds())
    document["paths"] |= refunds["paths"] | _WEBHOOKS
    document["components"]["schemas"] |= refunds["components"]["schemas"]
    return document


def _refunds() -> APIGatewayHttpResolver:
    """Their routes as an app of its own: nothing is served by it."""
    app = APIGatewayHttpResolver(enable_validation=True)
    # A copy, since a router knows only the last app that it was put into.
    app.include_router(copy(refund_routes.router))
    return app


def _written(app: APIGatewayHttpResolver) -> dict[str, Any]:
    written = app.get_openapi_json_schema(
        title="Paid Once",
        version=VERSION,
        description=_DESCRIPTION,
        security_schemes={
            "token": HTTPBearer(
                bearerFormat="JWT", description="From the stage's issuer, with the route's scopes"
            )
        },
    )
    document: dict[str, Any] = json.loads(written)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            _take_null_out(operation.get("requestBody", {}))
    for name in _UNUSED_SCHEMAS:
        document["components"]["schemas"].pop(name, None)
    return document


def _take_null_out(request_body: dict[str, Any]) -> None:
    """A body may be left out, which Powertools writes as `null` too; that is no object here."""
    for content in request_body.get("content", {}).values():
        match content["schema"]:
            case {"anyOf": [shape, {"type": "null"}]}:
                content["schema"] = shape


def _webhook(name: str, *, endpoint: bool) -> dict[str, Any]:
    parameters = [
        {
            "name": "Stripe-Signature",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "maxLength": 4096},
            "description": "https://docs.stripe.com/webhooks#verify-manually",
        }
    ]
    if endpoint:
        parameters.append(
            {
                "name": "endpoint",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "description": "the endpoint's name, whose own secret must fit",
            }
        )
    refused = {"$ref": "#/components/schemas/Refused"}
    return {
        "post": {
            "summary": "For Stripe: an event",
            "operationId": name,
            "tags": ["webhooks"],
            "parameters": parameters,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "responses": {
                "200": {
                    "description": "Durably queued",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"received": {"const": True}},
                                "required": ["received"],
                            }
                        }
                    },
                },
                **{
                    status: {
                        "description": text,
                        "content": {"application/json": {"schema": refused}},
                    }
                    for status, text in _WEBHOOK_REFUSALS.items()
                },
            },
        }
    }


_WEBHOOK_REFUSALS = {
    "400": "`signature_invalid`, `invalid_request`",
    "413": "`too_large`: above 4,000,000 bytes",
    "500": "`internal`: not queued, Stripe sends it again",
    "503": "`not_configured`, `try_again`: not queued, Stripe sends it again",
}
_WEBHOOKS = {
    "/webhooks/stripe": _webhook("receive_webhook", endpoint=False),
    "/webhooks/stripe/{endpoint}": _webhook("receive_webhook_of_endpoint", endpoint=True),
}
