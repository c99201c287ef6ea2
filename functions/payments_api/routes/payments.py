"""Payments: take one, show one or an order's, and give a browser what it needs to confirm one."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api.shapes import IdempotencyKey
from paidonce.domain.caller import (
    ANY_PAYMENT,
    NAME_AMOUNTS,
    READ_PAYMENTS,
    WRITE_PAYMENTS,
    Caller,
)
from paidonce.domain.currency import chargeable
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.payment_request import PaymentRequest
from paidonce.domain.price import Item
from paidonce.use_cases.take_payment import How, Taken

from payments_api.body import refuse_card_data
from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.shapes import (
    ClientSecret,
    NewPayment,
    OnePayment,
    OrderId,
    Payments,
    TakenPayment,
    UnknownPayment,
    UserId,
)

router = APIGatewayHttpRouter()

_NOT_KNOWN_YET = (
    "We do not know yet whether this worked; nobody is charged twice. Send the same request again."
)
_STATUS_WHEN = {
    How.MADE: HTTPStatus.CREATED,
    How.REPEATED: HTTPStatus.CREATED,
    How.SAME_ORDER: HTTPStatus.OK,
    How.NOT_KNOWN_YET: HTTPStatus.ACCEPTED,
}

PaymentId = Annotated[str, Path(alias="id", description="the payment's id, `pay_…`")]


@router.post(
    "/payments",
    summary="Take a payment",
    description="Records the payment, makes its intent at Stripe, and answers with its secret. "
    f"With `items` the server's prices are charged; to name an amount needs {NAME_AMOUNTS} too.",
    operation_id="take_payment",
    tags=["payments"],
    security=[{"token": [WRITE_PAYMENTS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            200: ("Another key of the same order: its payment", TakenPayment),
            201: ("The payment; a repeat has `Idempotent-Replayed: true`", TakenPayment),
            202: ("Stripe's answer is not known yet: send the same again", UnknownPayment),
        },
        *(400, 401, 403, 409, 413, 429, 500, 503),
    ),
)
def post_payment(body: NewPayment, idempotency_key: IdempotencyKey) -> Response[dict[str, Any]]:
    """Take a payment."""
    exchange = current(router)
    caller = exchange.caller(WRITE_PAYMENTS)
    taken = exchange.services.take_payment(
        _asked(body, caller, idempotency_key),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return _shown(taken)


def _asked(body: NewPayment, caller: Caller, idempotency_key: str) -> PaymentRequest:
    money = None
    if body.amount_minor is not None and body.currency is not None:
        caller.must(NAME_AMOUNTS)
        money = chargeable(body.amount_minor, body.currency)
    if body.customer_id is not None:
        # Whose customer it is cannot be told until customers have rows of ours.
        caller.must(ANY_PAYMENT)
    return PaymentRequest(
        caller=caller,
        idempotency_key=idempotency_key,
        body_hash=fingerprint(body.model_dump(exclude_unset=True)),
        order_id=body.order_id,
        money=money,
        items=tuple(Item(price=i.price, quantity=i.quantity) for i in body.items or ()),
        user_id=caller.user_for(body.user_id),
        customer_id=body.customer_id,
        capture=body.capture,
        description=body.description,
        metadata=body.metadata,
    )


def _shown(taken: Taken) -> Response[dict[str, Any]]:
    payment = taken.payment.view()
    return Response(
        status_code=_STATUS_WHEN[taken.how],
        content_type="application/json",
        headers=_NOT_KEPT | ({"Idempotent-Replayed": "true"} if taken.how is How.REPEATED else {}),
        body={"payment": payment, "message": _NOT_KNOWN_YET}
        if taken.how is How.NOT_KNOWN_YET
        else {"payment": payment, "client_secret": taken.client_secret},
    )


@router.get(
    "/payments",
    summary="The payments of an order",
    operation_id="list_payments",
    tags=["payments"],
    security=[{"token": [READ_PAYMENTS]}],
    responses=answers(
        {200: ("The order's payment, if it has one that the caller may see", Payments)},
        *(400, 401, 403, 413, 429, 500, 503),
    ),
)
def list_payments(
    order_id: Annotated[OrderId, Query(description="the order's id, as it was paid for")],
    user_id: Annotated[UserId | None, Query(description="whose order, with payments:any")] = None,
) -> Response[dict[str, Any]]:
    """Show an order's payments."""
    exchange = current(router)
    caller = exchange.caller(READ_PAYMENTS)
    refuse_card_data({"order_id": order_id, "user_id": user_id})
    found = exchange.services.read_payment.of_order(order_id, caller=caller, user_id=user_id)
    return _answer({"payments": [payment.view() for payment in found], "next": None})


@router.get(
    "/payments/<id>",
    summary="One payment",
    operation_id="show_payment",
    tags=["payments"],
    security=[{"token": [READ_PAYMENTS]}],
    responses=answers({200: ("The payment", OnePayment)}, 400, 401, 403, 404, 413, 429, 500, 503),
)
def show_payment(payment_id: PaymentId) -> Response[dict[str, Any]]:
    """Show a payment."""
    exchange = current(router)
    caller = exchange.caller(READ_PAYMENTS)
    return _answer(
        {"payment": exchange.services.read_payment.one(payment_id, caller=caller).view()}
    )


@router.get(
    "/payments/<id>/client-secret",
    summary="What a browser needs to confirm a payment",
    operation_id="show_client_secret",
    tags=["payments"],
    security=[{"token": [WRITE_PAYMENTS]}],
    responses=answers(
        {200: ("While the payment is open", ClientSecret)},
        *(400, 401, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def show_client_secret(payment_id: PaymentId) -> Response[dict[str, Any]]:
    """Show a client secret."""
    exchange = current(router)
    caller = exchange.caller(WRITE_PAYMENTS)
    secret = exchange.services.read_payment.client_secret(
        payment_id, caller=caller, time_left=exchange.time_left
    )
    return _answer({"client_secret": secret})


# Secrets and amounts are for the caller alone, in no cache on the way.
_NOT_KEPT = {"Cache-Control": "no-store"}


def _answer(document: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(
        status_code=HTTPStatus.OK,
        content_type="application/json",
        headers=_NOT_KEPT,
        body=document,
    )
