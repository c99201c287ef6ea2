"""Customers: make the one of a user, show it, and open its portal at Stripe."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api.shapes import IdempotencyKey
from paidonce.domain.caller import READ_CUSTOMERS, WRITE_CUSTOMERS
from paidonce.domain.customer import CustomerRequest
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.return_url import refuse_plain_http
from paidonce.use_cases.open_portal import PortalRequest

from payments_api.billing_shapes import (
    NewCustomer,
    NewPortalSession,
    NotKnownYet,
    OneCustomer,
    SessionView,
)
from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.routes.ended import shown

router = APIGatewayHttpRouter()

CustomerPathId = Annotated[str, Path(alias="id", description="the customer's id, `cus_…`")]


@router.post(
    "/customers",
    summary="Make a user's customer",
    description="One for each user id; another key of the same user finds the same one. Another "
    "user's than the caller's own needs customers:any.",
    operation_id="make_customer",
    tags=["customers"],
    security=[{"token": [WRITE_CUSTOMERS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            200: ("Another key of the same user: the customer that there is", OneCustomer),
            201: ("The customer; a repeat has `Idempotent-Replayed: true`", OneCustomer),
            202: ("Stripe's answer is not known yet: send the same again", NotKnownYet),
        },
        *(400, 401, 403, 409, 413, 429, 500, 503),
    ),
)
def post_customer(body: NewCustomer, idempotency_key: IdempotencyKey) -> Response[dict[str, Any]]:
    """Make a customer."""
    exchange = current(router)
    made = exchange.services.billing.make_customer(
        CustomerRequest(
            caller=exchange.caller(WRITE_CUSTOMERS),
            idempotency_key=idempotency_key,
            body_hash=fingerprint(body.model_dump(exclude_unset=True)),
            user_id=body.user_id,
            email=body.email,
            name=body.name,
        ),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    document = {"customer": made.customer.view()} if made.customer else {}
    return shown(document, how=made.how, made=HTTPStatus.CREATED)


@router.get(
    "/customers/<id>",
    summary="One customer",
    operation_id="show_customer",
    tags=["customers"],
    security=[{"token": [READ_CUSTOMERS]}],
    responses=answers({200: ("The customer", OneCustomer)}, 400, 401, 403, 404, 413, 429, 500, 503),
)
def show_customer(customer_id: CustomerPathId) -> Response[dict[str, Any]]:
    """Show a customer."""
    exchange = current(router)
    caller = exchange.caller(READ_CUSTOMERS)
    found = exchange.services.billing.read_billing.customer(customer_id, caller=caller)
    return shown({"customer": found.view()})


@router.post(
    "/portal-sessions",
    summary="Open a customer's portal",
    description="A page at Stripe where the customer manages cards and subscriptions. Its address "
    "is a key to it: it is stored nowhere.",
    operation_id="open_portal",
    tags=["customers"],
    security=[{"token": [WRITE_CUSTOMERS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            201: ("The page's address", SessionView),
            202: ("Stripe's answer is not known yet: send the same again", NotKnownYet),
        },
        *(400, 401, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_portal_session(
    body: NewPortalSession, idempotency_key: IdempotencyKey
) -> Response[dict[str, Any]]:
    """Open a portal session."""
    exchange = current(router)
    caller = exchange.caller(WRITE_CUSTOMERS)
    billing = exchange.services.billing
    refuse_plain_http({"return_url": body.return_url}, livemode=billing.livemode)
    session = billing.open_portal(
        PortalRequest(
            caller=caller,
            idempotency_key=idempotency_key,
            body_hash=fingerprint(body.model_dump(exclude_unset=True)),
            customer_id=body.customer_id,
            return_url=body.return_url,
        ),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return shown({"id": session.id, "url": session.url}, how=session.how, made=HTTPStatus.CREATED)
