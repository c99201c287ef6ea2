"""The refunds routes, in the layer: the document of all routes is written by another function."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from paidonce.adapters.api.documented import answers
from paidonce.adapters.api.exchange import ApiServices, Exchange, current
from paidonce.adapters.api.refund_shapes import MadeRefund, NewRefund, OneRefund, UnknownRefund
from paidonce.adapters.api.shapes import IdempotencyKey
from paidonce.domain.caller import READ_REFUNDS, WRITE_REFUNDS
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.payment import Payment
from paidonce.domain.refund import Refund
from paidonce.domain.refund_request import RefundRequest
from paidonce.use_cases.read_refund import ReadRefund
from paidonce.use_cases.refund_payment import How, Refunded, RefundPayment

router = APIGatewayHttpRouter()

_NOT_KNOWN_YET = (
    "We do not know yet whether this worked; nothing is refunded twice. Send the same request "
    "again, or look at the refund."
)
# Amounts are for the caller alone, in no cache on the way.
_NOT_KEPT = {"Cache-Control": "no-store"}

RefundId = Annotated[
    str,
    Path(alias="id", description="the refund's id, `ref_…`, or Stripe's `re_…` for one of its own"),
]


@dataclass(frozen=True, kw_only=True)
class Services(ApiServices):
    """What the refunds routes work with."""

    refund_payment: RefundPayment
    read_refund: ReadRefund


@router.post(
    "/refunds",
    summary="Refund a payment",
    description="Holds the amount back, refunds it at Stripe, and answers with the refund.",
    operation_id="refund_payment",
    tags=["refunds"],
    security=[{"token": [WRITE_REFUNDS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            201: ("The refund; a repeat has `Idempotent-Replayed: true`", MadeRefund),
            202: ("Stripe's answer is not known yet: send the same again", UnknownRefund),
        },
        *(400, 401, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_refund(body: NewRefund, idempotency_key: IdempotencyKey) -> Response[dict[str, Any]]:
    """Refund a payment."""
    exchange = _current()
    refunded = exchange.services.refund_payment(
        RefundRequest(
            caller=exchange.caller(WRITE_REFUNDS),
            idempotency_key=idempotency_key,
            body_hash=fingerprint(body.model_dump(exclude_unset=True)),
            payment_id=body.payment_id,
            amount_minor=body.amount_minor,
            reason=body.reason,
        ),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return _made(refunded)


@router.get(
    "/refunds/<id>",
    summary="One refund",
    operation_id="show_refund",
    tags=["refunds"],
    security=[{"token": [READ_REFUNDS]}],
    responses=answers({200: ("The refund", OneRefund)}, 400, 401, 403, 404, 413, 429, 500, 503),
)
def show_refund(refund_id: RefundId) -> Response[dict[str, Any]]:
    """Show a refund."""
    exchange = _current()
    payment, refund = exchange.services.read_refund(refund_id, caller=exchange.caller(READ_REFUNDS))
    return Response(
        status_code=HTTPStatus.OK,
        content_type="application/json",
        headers=_NOT_KEPT,
        body={"refund": _whole(payment, refund)},
    )


def _current() -> Exchange[Services]:
    return cast("Exchange[Services]", current(router))


def _made(refunded: Refunded) -> Response[dict[str, Any]]:
    shown = {
        "refund": _whole(refunded.payment, refunded.refund),
        "payment": refunded.payment.view(),
    }
    if refunded.how is How.NOT_KNOWN_YET:
        return Response(
            status_code=HTTPStatus.ACCEPTED,
            content_type="application/json",
            headers=_NOT_KEPT,
            body=shown | {"message": _NOT_KNOWN_YET},
        )
    repeated = {"Idempotent-Replayed": "true"} if refunded.how is How.REPEATED else {}
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type="application/json",
        headers=_NOT_KEPT | repeated,
        body=shown,
    )


def _whole(payment: Payment, refund: Refund) -> dict[str, Any]:
    return dict(refund.whole(payment_id=payment.id, currency=payment.money.currency))
