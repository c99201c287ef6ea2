"""The routes put together (how: `paidonce.adapters.api.application`)."""

from typing import Any

from paidonce.adapters.api import application

from payments_api.billing_shapes import (
    NewCheckoutSession,
    NewCustomer,
    NewPortalSession,
    NewSubscription,
    SubscriptionChange,
)
from payments_api.exchange import Exchange
from payments_api.routes import (
    checkout,
    config,
    customers,
    document,
    payment_changes,
    payments,
    prices,
    subscriptions,
)
from payments_api.shapes import Cancel, Capture, NewPayment

app = application.application(
    [
        module.router
        for module in (
            payments,
            payment_changes,
            prices,
            customers,
            checkout,
            subscriptions,
            config,
            document,
        )
    ],
    # Models of bodies, whose descriptions are the sentences about wrong fields.
    requests=[
        NewPayment,
        Capture,
        Cancel,
        NewCustomer,
        NewPortalSession,
        NewCheckoutSession,
        NewSubscription,
        SubscriptionChange,
    ],
)


def serve(exchange: Exchange) -> dict[str, Any]:
    """Answer one HTTP request; no error leaves as an exception."""
    return application.serve(app, exchange)
