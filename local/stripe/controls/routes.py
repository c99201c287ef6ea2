"""The routes of `/_test`: ../../../docs/stand-in.md lists them."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.stripe.accounts import Account
from local.stripe.controls import deliveries, objects
from local.stripe.controls.world import World
from local.stripe.errors import StripeError
from local.stripe.shapes import Json

Control = Callable[[World, Account, Json, Request], Json]
Endpoint = Callable[[Request], Awaitable[Response]]


def control_routes(world: World) -> list[Route]:
    """Every control."""
    table: list[tuple[str, str, Control]] = [
        ("POST", "/_test/faults", objects.plan_fault),
        ("DELETE", "/_test/faults", objects.clear_faults),
        ("GET", "/_test/requests", objects.show_requests),
        ("POST", "/_test/deliveries", deliveries.configure),
        ("GET", "/_test/deliveries", deliveries.show),
        ("POST", "/_test/deliveries/release", deliveries.release),
        ("POST", "/_test/events/{id}/resend", deliveries.resend),
        ("POST", "/_test/endpoints/{id}/roll", deliveries.roll),
        ("POST", "/_test/endpoints/{id}/disable", deliveries.disable),
        ("POST", "/_test/authenticate/{id}", objects.authenticate),
        ("POST", "/_test/disputes", objects.open_dispute),
        ("POST", "/_test/disputes/{id}/close", objects.close_dispute),
        ("POST", "/_test/fraud_warnings", objects.warn_of_fraud),
        ("POST", "/_test/refunds/{id}/fail", objects.fail_refund),
        ("POST", "/_test/keys", objects.make_key),
        ("DELETE", "/_test/keys/{key}", objects.expire_key),
        ("POST", "/_test/clock/advance", objects.advance_clock),
        ("POST", "/_test/rate_limits", objects.limit_rates),
        ("DELETE", "/_test/account", objects.empty_account),
    ]
    routes = [Route(path, _endpoint(world, act), methods=[way]) for way, path, act in table]
    return [Route("/_test/health", _health, methods=["GET"]), *routes]


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _endpoint(world: World, act: Control) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            given = await request.body()
            wanted = _wanted(given)
            account = _account(world, request)
            result = _acted(act, world, account, wanted, request)
        except StripeError as error:
            return JSONResponse(error.body("", None), status_code=error.status)
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": {"message": _sentence(error)}}, status_code=400)
        return JSONResponse(result)

    return answer


def _acted(act: Control, world: World, account: Account, wanted: Json, request: Request) -> Json:
    """A control's work, all or nothing."""
    try:
        result = act(world, account, wanted, request)
    except BaseException:
        account.rollback()
        raise
    account.commit()
    return result


def _wanted(body: bytes) -> Json:
    wanted = json.loads(body) if body.strip() else {}
    if not isinstance(wanted, dict):
        raise ValueError("The body must be a JSON object.")  # noqa: TRY004 - one kind for a 400
    return wanted


def _sentence(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"Missing or unknown: {error.args[0]}."
    return str(error)


def _account(world: World, request: Request) -> Account:
    """The account of the key that the request shows; without one, the default account."""
    shown = request.headers.get("authorization", "")
    text = shown.partition(" ")[2].strip() or request.query_params.get("key", "")
    if text:
        return world.accounts.of_key(text)[0]
    return world.accounts.default()
