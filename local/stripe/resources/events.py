"""Events: docs.stripe.com/api/events."""

from fnmatch import fnmatchcase

from local.stripe.call import Call
from local.stripe.errors import invalid
from local.stripe.listing import paged
from local.stripe.router import route
from local.stripe.shapes import Json

KIND = "event"
_TYPES_MAX = 20
# "Events … going back up to 30 days."
_KEPT_SECONDS = 30 * 24 * 3600


@route("GET", "/v1/events")
def index(call: Call) -> Json:
    """Events of the last 30 days, newest first."""
    kind, kinds = call.get("type"), call.get("types")
    if kind and kinds:
        raise invalid("You may only specify one of `type` or `types`.", param="type")
    if kinds and len(kinds) > _TYPES_MAX:
        raise invalid(f"You may only specify up to {_TYPES_MAX} event types.", param="types")
    wanted = [kind] if kind else kinds
    delivered = call.get("delivery_success")
    oldest = call.now - _KEPT_SECONDS

    def belongs(row: Json) -> bool:
        if row["created"] < oldest:
            return False
        if wanted and not any(fnmatchcase(row["type"], pattern) for pattern in wanted):
            return False
        return delivered is None or delivered == (row["pending_webhooks"] == 0)

    return paged(call, filter(belongs, call.store.newest(KIND)), KIND)


@route("GET", "/v1/events/{id}")
def retrieve(call: Call) -> Json:
    """One event, in the version in which it was made."""
    return call.named(KIND, "id")
