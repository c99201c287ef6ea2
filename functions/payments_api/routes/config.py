"""What a checkout page must know before it can ask anything."""

from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from payments_api.exchange import current
from payments_api.routes.documented import answers
from payments_api.shapes import Settings

router = APIGatewayHttpRouter()


@router.get(
    "/config",
    summary="The stage's public settings",
    operation_id="show_config",
    tags=["stage"],
    responses=answers({200: ("The settings", Settings)}, 400, 413, 429, 500),
)
def show_config() -> dict[str, Any]:
    """Show the publishable key and the stage's name."""
    return dict(current(router).services.settings)
