"""Checkout sessions, Stripe's own page: https://docs.stripe.com/api/checkout/sessions."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.at_stripe import intents
from tests.simulation.model_stripe import DAY, Post, Refused, Scene, Thing, chosen

SESSION = "checkout.session"
# What our prices come to, for each piece.
UNIT_MINOR = 700


def create(scene: Scene, params: Mapping[str, Any], _: str, key: str) -> Thing:
    """POST /v1/checkout/sessions."""
    amount = UNIT_MINOR * sum(item["quantity"] for item in params["line_items"])
    document = {
        "object": SESSION,
        "amount_total": amount,
        "client_reference_id": params["client_reference_id"],
        "currency": "usd",
        "expires_at": scene.stripe.second() + DAY,
        "livemode": False,
        "metadata": dict(params["metadata"]),
        "mode": params["mode"],
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "url": "https://checkout.stripe.com/not-kept",
    }
    label = f"session {params['client_reference_id']} {scene.step_number}"
    thing = scene.stripe.add("cs", document, role="ours", key=key, label=label)
    thing.hidden["payment_intent_data"] = params["payment_intent_data"]
    return thing


def expire(scene: Scene, params: Mapping[str, Any], session_id: str, key: str) -> Thing:
    """POST /v1/checkout/sessions/{id}/expire."""
    assert key
    assert params is not None
    thing = scene.stripe.existing(session_id)
    if thing.status != "open":
        raise Refused("resource_already_expired")
    _expire(scene, thing)
    return thing


def _expire(scene: Scene, thing: Thing) -> None:
    """Its intent can be confirmed nowhere else, so it ends with the page."""
    scene.stripe.change(thing, {"status": "expired", "url": None})
    scene.stripe.tell(thing, "checkout.session.expired", scene.dice)
    if (intent := intent_of(scene, thing)) is not None:
        intents.go_to(scene, intent, "canceled", "payment_intent.canceled")


def intent_of(scene: Scene, thing: Thing) -> Thing | None:
    """What a try to pay on the page has made."""
    intent_id = thing.document["payment_intent"]
    return scene.stripe.things[intent_id] if intent_id else None


def move(scene: Scene, number: int) -> None:
    """The shopper pays, or tries to; the page expires; a slow bank answers."""
    going_on = [
        s
        for s in scene.stripe.of(SESSION)
        if s.status == "open" or (s.status == "complete" and _is_waiting(scene, s))
    ]
    if not going_on:
        return
    thing = chosen(going_on, number)
    if thing.status == "complete":
        _answered(scene, thing)
        return
    dice = scene.dice.upto(8)
    if dice == 0 or _is_over(scene, thing):
        _expire(scene, thing)
        return
    intent = intent_of(scene, thing) or _tried(scene, thing)
    if dice < 3:
        intents.go_to(scene, intent, "requires_payment_method", "payment_intent.payment_failed")
        return
    slow = dice == 3
    scene.stripe.change(
        thing,
        {"status": "complete", "url": None, "payment_status": "unpaid" if slow else "paid"},
    )
    status = "processing" if slow else "succeeded"
    intents.go_to(scene, intent, status, f"payment_intent.{status}")
    scene.stripe.tell(thing, "checkout.session.completed", scene.dice)


def _is_over(scene: Scene, thing: Thing) -> bool:
    return thing.status == "open" and scene.stripe.second() >= int(thing.document["expires_at"])


def expire_all(scene: Scene) -> None:
    """Pages are open for a day: https://docs.stripe.com/api/checkout/sessions/create."""
    for thing in scene.stripe.of(SESSION):
        if _is_over(scene, thing):
            _expire(scene, thing)


def _tried(scene: Scene, thing: Thing) -> Thing:
    params = {
        "amount": thing.document["amount_total"],
        "currency": thing.document["currency"],
        **thing.hidden["payment_intent_data"],
    }
    intent = intents.make(scene, params, None, "ours")
    intent.hidden["session"] = thing.id
    scene.stripe.change(thing, {"payment_intent": intent.id})
    return intent


def _is_waiting(scene: Scene, thing: Thing) -> bool:
    intent = intent_of(scene, thing)
    return intent is not None and intent.status == "processing"


def _answered(scene: Scene, thing: Thing) -> None:
    intent = intent_of(scene, thing)
    assert intent is not None
    if scene.dice.upto(3):
        scene.stripe.change(thing, {"payment_status": "paid"})
        intents.go_to(scene, intent, "succeeded", "payment_intent.succeeded")
        scene.stripe.tell(thing, "checkout.session.async_payment_succeeded", scene.dice)
    else:
        intents.go_to(scene, intent, "requires_payment_method", "payment_intent.payment_failed")
        scene.stripe.tell(thing, "checkout.session.async_payment_failed", scene.dice)


POSTS: Mapping[str, Post] = {
    "/v1/checkout/sessions": create,
    "/v1/checkout/sessions/{id}/expire": expire,
}
