"""Webhook endpoints: docs.stripe.com/api/webhook_endpoints."""

from functools import cache
from urllib.parse import urlsplit

from local.stripe import versions
from local.stripe.call import Call
from local.stripe.errors import invalid, refused
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import listed
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.document import operation
from local.stripe.spec.releases import NEWEST
from local.stripe.spec.skeletons import skeleton

KIND = "webhook_endpoint"
_ENDPOINTS_MAX = 16
_HOOK = "whsec"


@route("POST", "/v1/webhook_endpoints")
def create(call: Call) -> Json:
    """A new endpoint; only this answer holds its secret."""
    if len(call.store.oldest(KIND)) >= _ENDPOINTS_MAX:
        raise refused(
            f"You have reached the maximum of {_ENDPOINTS_MAX} test webhook endpoints.",
            code="webhook_endpoints_limit_exceeded",
        )
    version = call.get("api_version")
    if version is not None:
        versions.release_of(version)
    endpoint = skeleton(
        KIND,
        **call.base,
        id=new_id(KIND),
        api_version=version,
        description=call.get("description") or None,
        enabled_events=_events(call),
        metadata=merged_metadata({}, call.get("metadata")),
        status="enabled",
        url=_url(call),
    )
    endpoint["_secret"] = new_secret()
    call.store.add(endpoint)
    return {**endpoint, "secret": endpoint["_secret"]}


def new_secret() -> str:
    """A signing secret in Stripe's form."""
    return f"{_HOOK}_{random_letters(32)}"


@route("GET", "/v1/webhook_endpoints")
def index(call: Call) -> Json:
    """Endpoints, newest first, without their secrets."""
    return listed(call, KIND)


@route("GET", "/v1/webhook_endpoints/{webhook_endpoint}")
def retrieve(call: Call) -> Json:
    """One endpoint, without its secret."""
    return call.named(KIND, "webhook_endpoint")


@route("POST", "/v1/webhook_endpoints/{webhook_endpoint}")
def update(call: Call) -> Json:
    """Changes URL, events, description, metadata; disables and enables. No event tells of it."""
    endpoint = call.edited(KIND, "webhook_endpoint")
    if "url" in call.params:
        endpoint["url"] = _url(call)
    if "enabled_events" in call.params:
        endpoint["enabled_events"] = _events(call)
    if "description" in call.params:
        endpoint["description"] = call.get("description") or None
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.get("disabled") else "enabled"
        endpoint["_failing_since"] = None
    endpoint["metadata"] = merged_metadata(endpoint["metadata"], call.get("metadata"))
    return endpoint


@route("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}")
def delete(call: Call) -> Json:
    """Forgets an endpoint; nothing more is sent to it."""
    endpoint = call.named(KIND, "webhook_endpoint")
    call.store.remove(KIND, endpoint["id"])
    return {"id": endpoint["id"], "object": KIND, "deleted": True}


def _events(call: Call) -> list[str]:
    events: list[str] = call.get("enabled_events")
    if not events:
        raise invalid("Invalid array", param="enabled_events")
    if "*" in events and len(events) > 1:
        raise invalid(
            "If you set `enabled_events` to `['*']`, you can not include other events.",
            param="enabled_events",
        )
    known = _known_events()
    for place, event in enumerate(events):
        if event not in known:
            raise invalid(
                f"Invalid enabled_events[{place}]: {event} is no event of Stripe's.",
                param=f"enabled_events[{place}]",
            )
    return list(dict.fromkeys(events))


@cache
def _known_events() -> frozenset[str]:
    """The events that the document lists."""
    described = operation("/v1/webhook_endpoints", "post", NEWEST)
    return frozenset(described["properties"]["enabled_events"]["items"]["enum"])


def _url(call: Call) -> str:
    given: str = call.get("url")
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
            param="url",
            code="url_invalid",
        )
    if call.account.livemode and parts.scheme != "https" and not _is_loopback(parts.hostname):
        raise invalid(
            "Invalid URL: Live webhook endpoints must use HTTPS.", param="url", code="url_invalid"
        )
    return given


def _is_loopback(host: str) -> bool:
    """Local stages in live mode have no certificate; Stripe itself would refuse them."""
    return host in {"127.0.0.1", "localhost"}
