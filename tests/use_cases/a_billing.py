"""Customers, portal sessions and subscriptions of a shop on fakes."""

from typing import Any

from paidonce.domain.caller import Caller
from paidonce.domain.customer import Customer
from paidonce.domain.errors import (
    CardDeclined,
)
from paidonce.domain.subscription import Subscription
from paidonce.use_cases.change_subscription import Change, Changed, ChangeSubscription
from paidonce.use_cases.open_portal import OpenPortal, PortalRequest, Session
from paidonce.use_cases.subscribe import Subscribe, Subscribed, SubscriptionRequest

from tests.use_cases.a_shop import DEADLINE_SECONDS, Shop

CUSTOMER = "cus_anna"
DECLINED = CardDeclined(
    "Your card has insufficient funds. Please try a different payment method.",
    stripe_code="card_declined",
    decline_code="insufficient_funds",
)


def a_caller(name: str = "anna", *scopes: str) -> Caller:
    return Caller(
        issuer="https://issuer.test", subject=name, user_id=name, scopes=frozenset(scopes)
    )


def a_shop_with_a_customer() -> Shop:
    shop = Shop()
    at = "2026-11-22T12:00:00.000Z"
    shop.tables.put(Customer(id=CUSTOMER, user_id="anna", created_at=at, updated_at=at))
    shop.stripe.objects[CUSTOMER] = {"id": CUSTOMER, "object": "customer", "created": 0}
    return shop


def portal(shop: Shop, key: str = "key-1", **changes: Any) -> Session:
    values: dict[str, Any] = {"caller": a_caller(), "return_url": "https://shop.test/"} | changes
    wanted = PortalRequest(
        idempotency_key=key, body_hash=values["return_url"], customer_id=CUSTOMER, **values
    )
    verb = OpenPortal(carry_out=shop.carry_out, check_key=shop.key.read)
    return verb(wanted, correlation_id="c", time_left=shop.clock.time_left(DEADLINE_SECONDS))


def subscribe(shop: Shop, key: str = "key-1", **changes: Any) -> Subscribed:
    values: dict[str, Any] = {"caller": a_caller(), "lines": [("price_a", 2)]} | changes
    wanted = SubscriptionRequest(
        idempotency_key=key, body_hash=str(values["lines"]), customer_id=CUSTOMER, **values
    )
    verb = Subscribe(carry_out=shop.carry_out, check_key=shop.key.read)
    return verb(wanted, correlation_id="c", time_left=shop.clock.time_left(DEADLINE_SECONDS))


def change(shop: Shop, key: str | None = "key-u", **changes: Any) -> Changed:
    (row,) = subscriptions(shop)
    wanted = Change(
        **{
            "caller": a_caller(),
            "subscription_id": row.id,
            "idempotency_key": key,
            "body_hash": None if key is None else str(sorted(changes.items())),
            **changes,
        }
    )
    verb = ChangeSubscription(carry_out=shop.carry_out, check_key=shop.key.read)
    return verb(wanted, correlation_id="c", time_left=shop.clock.time_left(DEADLINE_SECONDS))


def subscriptions(shop: Shop) -> list[Subscription]:
    return [o for o in shop.tables.others.values() if isinstance(o, Subscription)]


def at_stripe(shop: Shop, kind: str) -> list[dict[str, Any]]:
    return [o for o in shop.stripe.objects.values() if o["object"] == kind]
