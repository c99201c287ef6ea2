"""Changes of a payment: capture what was authorised, cancel what is not paid."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api.shapes import IdempotencyKey
from paidonce.domain.caller import ANY_PAYMENT, WRITE_PAYMENTS, Caller
from paidonce.domain.fingerprint import fingerprint
from paidonce.use_cases.change_payment import Asked, Changed
from pydantic import BaseModel

from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.shapes import Cancel, Capture, OnePayment, UnknownPayment

router = APIGatewayHttpRouter()

_NOT_KNOWN_YET = "We do not know yet whether this worked, and see to it. The payment will tell."
_UNKNOWN = ("Stripe's answer is not known yet: the payment will tell, a repeat too", UnknownPayment)
PaymentId = Annotated[str, Path(alias="id", description="the payment's id, `pay_…`")]


@router.post(
    "/payments/<id>/capture",
    summary="Capture a payment",
    description="Takes what was authorised, or a part; the rest is released. For servers: needs "
    f"{ANY_PAYMENT} too. The payment is `paid` once Stripe's event says so.",
    operation_id="capture_payment",
    tags=["payments"],
    security=[{"token": [WRITE_PAYMENTS, ANY_PAYMENT]}],
    responses=answers(
        {200: ("The payment; a repeat has `Idempotent-Replayed: true`", OnePayment), 202: _UNKNOWN},
        *(400, 401, 402, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_capture(
    payment_id: PaymentId,
    idempotency_key: IdempotencyKey,
    body: Annotated[Capture | None, Body()] = None,
) -> Response[dict[str, Any]]:
    """Capture a payment."""
    exchange = current(router)
    caller = exchange.caller(WRITE_PAYMENTS, ANY_PAYMENT)
    changed = exchange.services.capture_payment(
        _asked("capture", payment_id, caller, idempotency_key, body),
        amount_minor=body.amount_minor if body else None,
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return _shown(changed)


@router.post(
    "/payments/<id>/cancel",
    summary="Cancel a payment",
    description="Its order may then be asked for anew, with a new key. What is paid is refunded "
    "instead.",
    operation_id="cancel_payment",
    tags=["payments"],
    security=[{"token": [WRITE_PAYMENTS]}],
    responses=answers(
        {200: ("The payment; a repeat has `Idempotent-Replayed: true`", OnePayment), 202: _UNKNOWN},
        *(400, 401, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_cancel(
    payment_id: PaymentId,
    idempotency_key: IdempotencyKey,
    body: Annotated[Cancel | None, Body()] = None,
) -> Response[dict[str, Any]]:
    """Cancel a payment."""
    exchange = current(router)
    caller = exchange.caller(WRITE_PAYMENTS)
    changed = exchange.services.cancel_payment(
        _asked("cancel", payment_id, caller, idempotency_key, body),
        reason=body.reason if body else None,
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return _shown(changed)


def _asked(
    verb: str, payment_id: str, caller: Caller, idempotency_key: str, body: BaseModel | None
) -> Asked:
    path = f"/payments/{payment_id}/{verb}"
    return Asked(
        payment_id=payment_id,
        caller=caller,
        caller_key=fingerprint(caller.issuer, caller.subject, "POST", path, idempotency_key),
        # No body and an empty one ask for the same.
        body_hash=fingerprint(body.model_dump(exclude_none=True) if body else {}),
    )


def _shown(changed: Changed) -> Response[dict[str, Any]]:
    payment = changed.payment.view()
    replayed = {"Idempotent-Replayed": "true"} if changed.is_repeat else {}
    return Response(
        status_code=HTTPStatus.OK if changed.is_known else HTTPStatus.ACCEPTED,
        content_type="application/json",
        # Amounts are for the caller alone, in no cache on the way.
        headers={"Cache-Control": "no-store"} | replayed,
        body={"payment": payment}
        if changed.is_known
        else {"payment": payment, "message": _NOT_KNOWN_YET},
    )
