"""Routes of the pages that a customer sees."""

from starlette.routing import Route

from local.stripe.controls.world import World
from local.stripe.pages.checkout import checkout_routes
from local.stripe.pages.portal import portal_routes
from local.stripe.pages.three_d_secure import three_d_secure_routes


def page_routes(world: World) -> list[Route]:
    """Every page."""
    return [*three_d_secure_routes(world), *checkout_routes(world), *portal_routes(world)]
