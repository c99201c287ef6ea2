"""The refunds routes put together (how: `paidonce.adapters.api.application`)."""

from typing import Any

from paidonce.adapters.api import application, refund_routes
from paidonce.adapters.api.exchange import Exchange
from paidonce.adapters.api.refund_shapes import NewRefund

app = application.application([refund_routes.router], requests=[NewRefund])


def serve(exchange: Exchange[refund_routes.Services]) -> dict[str, Any]:
    """Answer one HTTP request; no error leaves as an exception."""
    return application.serve(app, exchange)
