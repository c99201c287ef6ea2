"""Controls of webhook deliveries: how they go out, what went out, once more, secrets."""

from starlette.requests import Request

from local.stripe.accounts import Account
from local.stripe.controls.world import World
from local.stripe.errors import missing
from local.stripe.resources.webhook_endpoints import new_secret
from local.stripe.shapes import Json

# Stripe keeps a rolled secret alive for up to 24 hours.
_OVERLAP_SECONDS = 24 * 3600


def configure(world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """How webhooks go out from now on."""
    outbox = world.outbox(account)
    outbox.settings = outbox.settings.changed(wanted)
    return {name: getattr(outbox.settings, name) for name in outbox.settings.__slots__}


def show(world: World, account: Account, _wanted: Json, _request: Request) -> Json:
    """Every attempt so far, the oldest first; what is held; how many are still to come."""
    outbox = world.outbox(account)
    return {
        "data": [attempt.described() for attempt in outbox.attempts],
        "held": [due.event_id for due in outbox.held],
        "pending": outbox.pending(),
    }


def release(world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """Sends what was held: `forward`, `reverse`, or by a list of event ids."""
    order = wanted.get("order", "forward")
    if not isinstance(order, list) and order not in {"forward", "reverse"}:
        raise ValueError("`order` must be forward, reverse or a list of event ids.")
    copies = wanted.get("copies", 1)
    if not isinstance(copies, int) or copies < 1:
        raise ValueError("`copies` must be 1 or more.")
    return {"released": world.outbox(account).release(order, copies)}


def resend(world: World, account: Account, wanted: Json, request: Request) -> Json:
    """One more copy of an event, now, to each endpoint (or to `webhook_endpoint`)."""
    event_id = request.path_params["id"]
    event = account.store.find("event", event_id)
    if event is None:
        raise missing("event", event_id, "id")
    return {"sent": world.outbox(account).resend(event, wanted.get("webhook_endpoint"))}


def roll(world: World, account: Account, wanted: Json, request: Request) -> Json:  # noqa: ARG001
    """A new secret for an endpoint; the former one signs too until the overlap ends."""
    endpoint = _endpoint(account, request)
    seconds = wanted.get("overlap_seconds", _OVERLAP_SECONDS)
    endpoint["_former_secret"] = endpoint["_secret"]
    endpoint["_former_until"] = account.clock.now() + seconds
    endpoint["_secret"] = new_secret()
    return {"id": endpoint["id"], "secret": endpoint["_secret"]}


def disable(world: World, account: Account, wanted: Json, request: Request) -> Json:  # noqa: ARG001
    """Disables an endpoint, as Stripe does after days of failure."""
    endpoint = _endpoint(account, request)
    endpoint["status"] = "disabled"
    return {"id": endpoint["id"], "status": endpoint["status"]}


def _endpoint(account: Account, request: Request) -> Json:
    endpoint_id = request.path_params["id"]
    if account.store.find("webhook_endpoint", endpoint_id) is None:
        raise missing("webhook_endpoint", endpoint_id, "id")
    return account.store.edit("webhook_endpoint", endpoint_id)
