"""The customer portal's page, which only says whose it would be."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local.stripe.controls.world import World


def portal_routes(world: World) -> list[Route]:
    """The page behind a portal session's URL."""

    async def show(request: Request) -> Response:
        path = request.url.path
        for account in world.accounts.all():
            for session in account.store.newest("billing_portal.session"):
                if session["url"].endswith(path):
                    back = escape(session["return_url"] or "#")
                    customer = escape(session["customer"])
                    return HTMLResponse(
                        f"<h1>Portal (stand-in)</h1><p>Customer {customer}</p>"
                        f'<a href="{back}">Back</a>'
                    )
        return HTMLResponse("There is no such session.", status_code=404)

    return [Route("/pages/portal/{session}", show, methods=["GET"])]
