"""The page of a 3D Secure challenge: complete or fail."""

from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.stripe.accounts import Account
from local.stripe.controls.world import World
from local.stripe.payments import intents, setups
from local.stripe.shapes import Json

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>3D Secure (stand-in)</title></head>
<body><main><h1>3D Secure</h1><p>Authenticate the payment {intent} over {amount} {currency}?</p>
<form method="post"><button name="outcome" value="succeed">Complete</button>
<button name="outcome" value="fail">Fail</button></form></main></body></html>
"""


def three_d_secure_routes(world: World) -> list[Route]:
    """The challenge and its answer."""

    async def show(request: Request) -> Response:
        found = _found(world, request)
        if found is None:
            return HTMLResponse("There is no such challenge.", status_code=404)
        intent = found[1]
        page = _PAGE.format(
            intent=escape(intent["id"]),
            amount=intent.get("amount", ""),
            currency=escape(intent.get("currency") or ""),
        )
        return HTMLResponse(page)

    async def end(request: Request) -> Response:
        found = _found(world, request)
        if found is None:
            return HTMLResponse("There is no such challenge.", status_code=404)
        account, intent = found
        form = (await request.body()).decode()
        succeeded = "outcome=succeed" in form
        edited = account.store.edit(intent["object"], intent["id"])
        if edited["status"] == "requires_action":
            ended = setups if edited["object"] == "setup_intent" else intents
            ended.authentication_ended(account, edited, succeeded=succeeded)
            account.commit()
        back = edited.get("_return_url")
        if not back:
            return HTMLResponse(f"Done: the payment is {edited['status']}.")
        query = urlencode(
            {
                edited["object"]: edited["id"],
                f"{edited['object']}_client_secret": edited["client_secret"],
                "redirect_status": "succeeded" if succeeded else "failed",
            }
        )
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{query}", status_code=303)

    path = "/pages/3ds/{intent}"
    return [Route(path, show, methods=["GET"]), Route(path, end, methods=["POST"])]


def _found(world: World, request: Request) -> tuple[Account, Json] | None:
    """The account and the intent of a challenge, if the client secret is right."""
    wanted = request.path_params["intent"]
    for account in world.accounts.all():
        for kind in ("payment_intent", "setup_intent"):
            intent = account.store.find(kind, wanted)
            shown = request.query_params.get("client_secret")
            if intent is not None and shown == intent["client_secret"]:
                return account, intent
    return None
