"""The hosted checkout page: a card number, pay, and back to the shop."""

from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.stripe import versions
from local.stripe.accounts import Account
from local.stripe.call import Call
from local.stripe.controls.world import World
from local.stripe.errors import StripeError
from local.stripe.keys import KeyKind
from local.stripe.payments import checkout, methods, money
from local.stripe.resources.checkout_modes import confirm
from local.stripe.shapes import Json
from local.stripe.spec.releases import NEWEST

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Checkout (stand-in)</title></head>
<body><main><h1>Pay {amount}</h1>
<p role="alert">{problem}</p>
<form method="post">
<label>E-mail <input name="email" type="email" value="{email}" required></label>
<label>Card number <input name="number" inputmode="numeric" value="4242424242424242"
 required></label>
<button>Pay</button></form><p><a href="{cancel}">Back to the shop</a></p></main></body></html>
"""


def checkout_routes(world: World) -> list[Route]:
    """The page and what its button does."""

    async def show(request: Request) -> Response:
        found = _found(world, request)
        return _gone() if found is None else _page(found[1], "")

    async def pay(request: Request) -> Response:
        found = _found(world, request)
        if found is None:
            return _gone()
        account, session = found
        typed = parse_qs((await request.body()).decode())
        problem = _paid(account, session, typed)
        if problem is not None:
            return _page(session, problem)
        return RedirectResponse(_next_place(account, session), status_code=303)

    path = "/pages/checkout/{session}"
    return [Route(path, show, methods=["GET"]), Route(path, pay, methods=["POST"])]


def _paid(account: Account, session: Json, typed: dict[str, list[str]]) -> str | None:
    """Pays with the typed card; what the page says when that was refused, else None."""
    edited = account.store.edit(checkout.KIND, session["id"])
    try:
        method = methods.made(
            account,
            {
                "type": "card",
                "card": {"number": typed.get("number", [""])[0].replace(" ", "")},
                "billing_details": {"email": typed.get("email", [""])[0]},
            },
        )
        confirm(_call(account), edited, method, None)
    except StripeError as error:
        if error.keeps_changes:
            account.commit()
        else:
            account.rollback()
        return str(error)
    account.commit()
    return None


def _call(account: Account) -> Call:
    """The page acts with the account's own key."""
    key = next(each for each in account.keys.values() if each.kind is not KeyKind.RESTRICTED)
    return Call(
        account=account,
        key=key,
        params={},
        path={},
        url="/pages/checkout",
        release=NEWEST,
        version=versions.DEFAULT,
    )


def _next_place(account: Account, session: Json) -> str:
    """The challenge when the bank wants one, else the shop."""
    intent = account.store.find("payment_intent", session["payment_intent"]) or {}
    action = intent.get("next_action")
    if action:
        return str(action["redirect_to_url"]["url"])
    success: str = session["success_url"] or "/"
    return success.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _page(session: Json, problem: str) -> Response:
    amount = money.shown(session["amount_total"] or 0, session["currency"] or "usd")
    page = _PAGE.format(
        amount=escape(amount),
        cancel=escape(session["cancel_url"] or "#"),
        email=escape(session["customer_email"] or ""),
        problem=escape(problem),
    )
    return HTMLResponse(page, status_code=402 if problem else 200)


def _gone() -> Response:
    return HTMLResponse("This page is not open for payment.", status_code=404)


def _found(world: World, request: Request) -> tuple[Account, Json] | None:
    """The account and its open session."""
    wanted = request.path_params["session"]
    for account in world.accounts.all():
        session = account.store.find(checkout.KIND, wanted)
        if session is not None and session["status"] == "open":
            return account, session
    return None
