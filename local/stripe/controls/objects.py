"""Controls of faults, keys, the clock, challenges, and the account as a whole."""

from starlette.requests import Request

from local.stripe import permissions
from local.stripe.accounts import Account
from local.stripe.controls.world import World
from local.stripe.errors import missing, refused
from local.stripe.identifiers import random_letters
from local.stripe.keys import ApiKey, KeyKind
from local.stripe.payments import disputing, fraud_warnings, intents, refunding, setups
from local.stripe.shapes import Json
from local.stripe.shapes import public as public_copy


def plan_fault(_world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """The next requests to a method and path go wrong."""
    fault = account.faults.plan(
        method=wanted.get("method", "*"),
        path=wanted.get("path", "*"),
        kind=str(wanted["kind"]),
        times=int(wanted.get("times", 1)),
        should_retry=wanted.get("should_retry"),
    )
    return fault.described()


def clear_faults(_world: World, account: Account, _wanted: Json, _request: Request) -> Json:
    """No faults any more; how often each fired."""
    return {"faults": account.faults.clear()}


def show_requests(_world: World, account: Account, _wanted: Json, _request: Request) -> Json:
    """What was asked of the account with a valid key, the oldest first, and how often in all."""
    seen = account.witness
    return {"data": [asked.described() for asked in seen.kept], "total": seen.total}


def make_key(world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """A restricted key with exactly these permissions, of the account's side in that mode."""
    names = wanted.get("permissions", [])
    unknown = [name for name in names if name not in permissions.NAMES]
    if unknown:
        raise ValueError(f"Unknown permissions: {', '.join(map(str, unknown))}.")
    livemode = wanted.get("livemode", account.livemode)
    mode = "live" if livemode else "test"
    key = ApiKey(
        text=f"{KeyKind.RESTRICTED}_{mode}_{random_letters(24)}",
        kind=KeyKind.RESTRICTED,
        livemode=livemode,
        permissions=frozenset(names),
    )
    world.accounts.add_key(world.accounts.side(account, livemode=livemode), key)
    return {"key": key.text, "permissions": sorted(key.permissions), "livemode": livemode}


def expire_key(world: World, account: Account, _wanted: Json, request: Request) -> Json:  # noqa: ARG001
    """A key that answers 401 from now on."""
    text = request.path_params["key"]
    owner, _ = world.accounts.of_key(text)
    owner.expired_keys.add(text)
    return {"key": text, "expired": True}


def authenticate(_world: World, account: Account, wanted: Json, request: Request) -> Json:
    """Ends a 3D Secure challenge as a payer would."""
    intent_id = request.path_params["id"]
    outcome = wanted.get("outcome", "succeed")
    if outcome not in {"succeed", "fail"}:
        raise ValueError("`outcome` must be succeed or fail.")
    kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
    intent = _edited(account, kind, intent_id)
    if intent["status"] != "requires_action":
        raise refused(f"{intent_id} has a status of {intent['status']}, not requires_action.")
    ended = setups if kind == "setup_intent" else intents
    ended.authentication_ended(account, intent, succeeded=outcome == "succeed")
    return {"id": intent_id, "status": intent["status"]}


def open_dispute(_world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """A dispute over a charge: `charge`, and optionally `amount`, `reason`, `status`."""
    charge = _edited(account, "charge", wanted["charge"])
    return public_copy(disputing.opened(account, charge, wanted))


def close_dispute(_world: World, account: Account, wanted: Json, request: Request) -> Json:
    """The bank decides: `{"outcome": "won"}` or `lost`."""
    outcome = wanted.get("outcome", "lost")
    if outcome not in {"won", "lost"}:
        raise ValueError("`outcome` must be won or lost.")
    dispute = _edited(account, "dispute", request.path_params["id"])
    disputing.closed(account, dispute, won=outcome == "won")
    return public_copy(dispute)


def warn_of_fraud(_world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """An early fraud warning about a charge: `charge`, and optionally `fraud_type`."""
    charge = _edited(account, "charge", wanted["charge"])
    return public_copy(fraud_warnings.warn(account, charge, wanted))


def fail_refund(_world: World, account: Account, wanted: Json, request: Request) -> Json:
    """A refund comes back from the bank, even after it had succeeded."""
    made = _edited(account, "refund", request.path_params["id"])
    reason = wanted.get("reason", "expired_or_canceled_card")
    refunding.fail(account, made["id"], reason)
    return public_copy(made)


def _edited(account: Account, kind: str, object_id: str) -> Json:
    if account.store.find(kind, object_id) is None:
        raise missing(kind, object_id, "id")
    return account.store.edit(kind, object_id)


def advance_clock(world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """Moves the account's clock: renewals, retries of deliveries, expiry of idempotency keys."""
    seconds = float(wanted["seconds"])
    if seconds < 0:
        raise ValueError("`seconds` must be 0 or more: the clock never goes back.")
    world.timekeepers[account.number].advance(seconds)
    world.outbox(account).wake()
    return {"now": account.clock.now()}


def limit_rates(_world: World, account: Account, wanted: Json, _request: Request) -> Json:
    """Turns Stripe's rate limits on or off for this account."""
    account.rate_limits.on = bool(wanted.get("on", True))
    return {"on": account.rate_limits.on}


def empty_account(world: World, account: Account, _wanted: Json, _request: Request) -> Json:
    """No objects, events, faults or deliveries; keys, clock and the record of requests stay."""
    world.empty(account)
    return {"id": account.id, "deleted": True}
