"""Checkout sessions: an order is paid on Stripe's own page."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api.shapes import IdempotencyKey
from paidonce.domain.caller import WRITE_PAYMENTS
from paidonce.domain.checkout_request import CheckoutRequest
from paidonce.domain.fingerprint import fingerprint
from paidonce.domain.price import Item
from paidonce.domain.return_url import refuse_plain_http

from payments_api.billing_shapes import NewCheckoutSession, NotKnownYet, SessionView
from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.routes.ended import shown

router = APIGatewayHttpRouter()


@router.post(
    "/checkout-sessions",
    summary="Have an order paid on Stripe's page",
    description="Records the payment, as POST /payments does, and answers with the page's address, "
    "which is stored nowhere. The payment becomes `paid` by Stripe's events.",
    operation_id="open_checkout",
    tags=["payments"],
    security=[{"token": [WRITE_PAYMENTS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            200: ("Another key of the same order: its page", SessionView),
            201: ("The page's address; a repeat has `Idempotent-Replayed: true`", SessionView),
            202: ("Stripe's answer is not known yet: send the same again", NotKnownYet),
        },
        *(400, 401, 403, 409, 413, 429, 500, 503),
    ),
)
def post_checkout_session(
    body: NewCheckoutSession, idempotency_key: IdempotencyKey
) -> Response[dict[str, Any]]:
    """Open a checkout session."""
    exchange = current(router)
    caller = exchange.caller(WRITE_PAYMENTS)
    billing = exchange.services.billing
    urls = {"success_url": body.success_url, "cancel_url": body.cancel_url}
    refuse_plain_http(urls, livemode=billing.livemode)
    session = billing.open_checkout(
        CheckoutRequest(
            caller=caller,
            idempotency_key=idempotency_key,
            body_hash=fingerprint(body.model_dump(exclude_unset=True)),
            order_id=body.order_id,
            money=None,
            items=tuple(Item(price=i.price, quantity=i.quantity) for i in body.items),
            user_id=caller.user_for(None),
            success_url=body.success_url,
            cancel_url=body.cancel_url,
        ),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    return shown({"id": session.id, "url": session.url}, how=session.how, made=HTTPStatus.CREATED)
