"""Subscriptions: begin one, show it, change it, end it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from paidonce.adapters.api.shapes import IdempotencyKey, OptionalIdempotencyKey
from paidonce.domain.caller import READ_SUBSCRIPTIONS, WRITE_SUBSCRIPTIONS
from paidonce.domain.errors import InvalidRequest
from paidonce.domain.fingerprint import fingerprint
from paidonce.use_cases.change_subscription import Change, Changed
from paidonce.use_cases.subscribe import SubscriptionRequest

from payments_api.billing_shapes import (
    NewlySubscribed,
    NewSubscription,
    NotKnownYet,
    OneSubscription,
    SubscriptionChange,
)
from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.routes.ended import shown
from payments_api.shapes import PaymentItem

router = APIGatewayHttpRouter()

SubscriptionPathId = Annotated[str, Path(alias="id", description="the subscription's id, `sub_…`")]
_UNKNOWN = ("Stripe's answer is not known yet: send the same again", NotKnownYet)


@router.post(
    "/subscriptions",
    summary="Begin a subscription",
    description="Its first payment waits for the browser, which confirms it with the secret; with "
    "a trial the secret sets the card up.",
    operation_id="subscribe",
    tags=["subscriptions"],
    security=[{"token": [WRITE_SUBSCRIPTIONS]}],
    status_code=HTTPStatus.CREATED,
    responses=answers(
        {
            201: ("The subscription; a repeat has `Idempotent-Replayed: true`", NewlySubscribed),
            202: _UNKNOWN,
        },
        *(400, 401, 402, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_subscription(
    body: NewSubscription, idempotency_key: IdempotencyKey
) -> Response[dict[str, Any]]:
    """Begin a subscription."""
    exchange = current(router)
    caller = exchange.caller(WRITE_SUBSCRIPTIONS)
    _must_recur(body.items)
    made = exchange.services.billing.subscribe(
        SubscriptionRequest(
            caller=caller,
            idempotency_key=idempotency_key,
            body_hash=fingerprint(body.model_dump(exclude_unset=True)),
            customer_id=body.customer_id,
            lines=[(item.price, item.quantity) for item in body.items],
            trial_days=body.trial_days,
        ),
        correlation_id=exchange.correlation_id,
        time_left=exchange.time_left,
    )
    view = made.subscription and exchange.services.billing.shown(made.subscription)
    document = {"subscription": view, "client_secret": made.client_secret}
    return shown(document, how=made.how, made=HTTPStatus.CREATED)


@router.get(
    "/subscriptions/<id>",
    summary="One subscription",
    operation_id="show_subscription",
    tags=["subscriptions"],
    security=[{"token": [READ_SUBSCRIPTIONS]}],
    responses=answers(
        {200: ("The subscription", OneSubscription)}, *(400, 401, 403, 404, 413, 429, 500, 503)
    ),
)
def show_subscription(subscription_id: SubscriptionPathId) -> Response[dict[str, Any]]:
    """Show a subscription."""
    exchange = current(router)
    caller = exchange.caller(READ_SUBSCRIPTIONS)
    found = exchange.services.billing.read_billing.subscription(subscription_id, caller=caller)
    return shown({"subscription": exchange.services.billing.shown(found)})


@router.post(
    "/subscriptions/<id>",
    summary="Change a subscription",
    description="`items` are all that it shall have: what changes is prorated. "
    "`cancel_at_period_end` ends it with its period; false resumes it.",
    operation_id="change_subscription",
    tags=["subscriptions"],
    security=[{"token": [WRITE_SUBSCRIPTIONS]}],
    responses=answers(
        {
            200: ("The subscription; a repeat has `Idempotent-Replayed: true`", OneSubscription),
            202: _UNKNOWN,
        },
        *(400, 401, 402, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def post_change(
    subscription_id: SubscriptionPathId, body: SubscriptionChange, idempotency_key: IdempotencyKey
) -> Response[dict[str, Any]]:
    """Change a subscription."""
    exchange = current(router)
    caller = exchange.caller(WRITE_SUBSCRIPTIONS)
    if body.items is None and body.cancel_at_period_end is None:
        raise InvalidRequest(
            "There is nothing to change.",
            fields={"items": "is required", "cancel_at_period_end": "or this"},
        )
    items = body.items
    _must_recur(items or [])
    change = Change(
        caller=caller,
        subscription_id=subscription_id,
        idempotency_key=idempotency_key,
        body_hash=fingerprint(body.model_dump(exclude_unset=True)),
        lines=None if items is None else [(item.price, item.quantity) for item in items],
        cancel_at_period_end=body.cancel_at_period_end,
    )
    return _changed(change)


@router.delete(
    "/subscriptions/<id>",
    summary="End a subscription",
    description="Now, or with `at_period_end=true` when what was paid for is used up.",
    operation_id="end_subscription",
    tags=["subscriptions"],
    security=[{"token": [WRITE_SUBSCRIPTIONS]}],
    responses=answers(
        {200: ("The subscription", OneSubscription), 202: _UNKNOWN},
        *(400, 401, 403, 404, 409, 413, 429, 500, 503),
    ),
)
def delete_subscription(
    subscription_id: SubscriptionPathId,
    at_period_end: Annotated[bool, Query(description="end it with its period")] = False,  # noqa: FBT002 - Powertools gives it by name
    idempotency_key: OptionalIdempotencyKey = None,  # noqa: ARG001 - `answer_once` reads it
) -> Response[dict[str, Any]]:
    """End a subscription."""
    return _changed(
        Change(
            caller=current(router).caller(WRITE_SUBSCRIPTIONS),
            subscription_id=subscription_id,
            cancel_at_period_end=True if at_period_end else None,
            ends_now=not at_period_end,
        )
    )


def _must_recur(items: Sequence[PaymentItem]) -> None:
    """A caller's wrong price is told here: at Stripe it would count as a mistake of ours."""
    exchange = current(router)
    exchange.services.prices.must_recur(
        [item.price for item in items], time_left=exchange.time_left
    )


def _changed(change: Change) -> Response[dict[str, Any]]:
    exchange = current(router)
    changed: Changed = exchange.services.billing.change_subscription(
        change, correlation_id=exchange.correlation_id, time_left=exchange.time_left
    )
    view = exchange.services.billing.shown(changed.subscription)
    return shown({"subscription": view}, how=changed.how)
