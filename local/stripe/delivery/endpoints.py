"""What a webhook endpoint wants, which secrets sign for it, and when it is given up."""

from local.stripe.clock import Clock
from local.stripe.shapes import Json

# Events that "*" leaves out need an explicit subscription; none of ours is among them.
_ALL = "*"
# An old mail of Stripe's shows an endpoint disabled after nine failing days.
_GIVEN_UP_SECONDS = 9 * 24 * 3600


def wants(endpoint: Json, event_type: str) -> bool:
    """Whether an enabled endpoint is subscribed to this type."""
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and (_ALL in enabled or event_type in enabled)


def live_secrets(endpoint: Json, clock: Clock) -> list[str]:
    """The secrets that sign now: the newest first, a rolled one until its overlap ends."""
    secrets = [endpoint["_secret"]]
    if endpoint.get("_former_until", 0) > clock.now():
        secrets.append(endpoint["_former_secret"])
    return secrets


def note_result(endpoint: Json, clock: Clock, *, succeeded: bool) -> None:
    """Remembers since when an endpoint fails, and disables one that has failed for too long."""
    if succeeded:
        endpoint["_failing_since"] = None
        return
    since = endpoint.get("_failing_since") or clock.now()
    endpoint["_failing_since"] = since
    if clock.now() - since >= _GIVEN_UP_SECONDS:
        endpoint["status"] = "disabled"
