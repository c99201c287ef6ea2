"""Test clocks: docs.stripe.com/api/test_clocks."""

from local.stripe.accounts import Account, FrozenTime
from local.stripe.call import Call
from local.stripe.errors import invalid, refused
from local.stripe.identifiers import new_id
from local.stripe.listing import listed
from local.stripe.router import route
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

KIND = "test_helpers.test_clock"
_KEPT_SECONDS = 30 * 24 * 3600
# Advancing is work for later at Stripe; here it begins after this.
_LATER_SECONDS = 0.05


@route("POST", "/v1/test_helpers/test_clocks")
def create(call: Call) -> Json:
    """A new clock that stands at a second."""
    clock = skeleton(
        KIND,
        **call.base,
        id=new_id(KIND),
        deletes_after=call.now + _KEPT_SECONDS,
        frozen_time=call.get("frozen_time"),
        name=call.get("name"),
        status="ready",
        status_details={},
    )
    call.store.add(clock)
    call.account.frozen[clock["id"]] = FrozenTime(clock["frozen_time"])
    call.account.emit("test_helpers.test_clock.created", clock)
    return clock


@route("GET", "/v1/test_helpers/test_clocks")
def index(call: Call) -> Json:
    """Clocks, newest first."""
    return listed(call, KIND)


@route("GET", "/v1/test_helpers/test_clocks/{test_clock}")
def retrieve(call: Call) -> Json:
    """One clock."""
    return call.named(KIND, "test_clock")


@route("POST", "/v1/test_helpers/test_clocks/{test_clock}/advance")
def advance(call: Call) -> Json:
    """Moves a clock ahead; its customers' billing follows, and then it is ready again."""
    clock = call.edited(KIND, "test_clock")
    target = call.get("frozen_time")
    if clock["status"] != "ready":
        raise refused("Test clock advancement underway - cannot perform modifications.")
    if target <= clock["frozen_time"]:
        raise invalid(
            "The frozen_time must be after the current frozen_time of the test clock.",
            param="frozen_time",
        )
    clock["status"] = "advancing"
    clock["status_details"] = {"advancing": {"target_frozen_time": target}}
    call.account.emit_update("test_helpers.test_clock.advancing", clock)
    account, clock_id = call.account, clock["id"]
    account.timers.after(_LATER_SECONDS, lambda: _arrive(account, clock_id, target))
    return clock


@route("DELETE", "/v1/test_helpers/test_clocks/{test_clock}")
def delete(call: Call) -> Json:
    """Deletes a clock with its customers and their subscriptions."""
    clock = call.named(KIND, "test_clock")
    call.account.emit("test_helpers.test_clock.deleted", clock)
    for kind in ("customer", "subscription"):
        for row in call.store.oldest(kind):
            if row.get("test_clock") == clock["id"]:
                call.store.remove(kind, row["id"])
    call.store.remove(KIND, clock["id"])
    call.account.frozen.pop(clock["id"], None)
    return {"id": clock["id"], "object": KIND, "deleted": True}


def _arrive(account: Account, clock_id: str, target: int) -> None:
    frozen = account.frozen.get(clock_id)
    if frozen is None:
        return
    frozen.advance_to(target)
    clock = account.store.edit(KIND, clock_id)
    clock.update(status="ready", frozen_time=target, status_details={})
    account.emit_update("test_helpers.test_clock.ready", clock)
