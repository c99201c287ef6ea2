"""Payment intents and their charges: https://docs.stripe.com/payments/paymentintents/lifecycle."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.model_stripe import Post, Refused, Scene, Thing, chosen

DECLINES = ("insufficient_funds", "expired_card", "lost_card")
INTENT, CHARGE = "payment_intent", "charge"

# Where an intent can go, and which event tells it.
_CONFIRMED = (
    ("requires_action", "payment_intent.requires_action"),
    ("processing", "payment_intent.processing"),
    ("succeeded", "payment_intent.succeeded"),
    ("requires_payment_method", "payment_intent.payment_failed"),
    ("canceled", "payment_intent.canceled"),
)
MOVES: Mapping[str, tuple[tuple[str, str], ...]] = {
    # More often to and fro than to an end: what is final needs no order any more.
    "requires_payment_method": (*_CONFIRMED[:4], *_CONFIRMED, *_CONFIRMED[:2], _CONFIRMED[3]),
    "requires_action": (*_CONFIRMED[1:], _CONFIRMED[1], _CONFIRMED[3], _CONFIRMED[3]),
    "processing": _CONFIRMED[2:4],
    "requires_capture": (
        ("succeeded", "payment_intent.succeeded"),
        ("canceled", "payment_intent.canceled"),
    ),
    "succeeded": (),
    "canceled": (),
}
_CANCELABLE = ("requires_payment_method", "requires_action", "requires_capture")


def make(scene: Scene, params: Mapping[str, Any], key: str | None, role: str) -> Thing:
    """A new intent, and the event that tells it."""
    document = {
        "object": INTENT,
        "amount": params["amount"],
        "amount_received": 0,
        "currency": params["currency"],
        "capture_method": params.get("capture_method", "automatic"),
        "client_secret": "not kept",
        "customer": params.get("customer"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": dict(params["metadata"]),
        "status": "requires_payment_method",
    }
    label = f"{role} {params['metadata'].get('paidonce_payment')} {scene.step_number}"
    thing = scene.stripe.add("pi", document, role=role, key=key, label=label)
    scene.stripe.tell(thing, "payment_intent.created", scene.dice)
    return thing


def can_move(thing: Thing) -> bool:
    """Is it still open, and not one that is confirmed on a page only?"""
    return bool(MOVES[thing.status]) and "session" not in thing.hidden


def move(scene: Scene, thing: Thing) -> None:
    """It goes on: the shopper confirms, the bank answers, the shop captures or cancels."""
    ways = MOVES[thing.status]
    go_to(scene, thing, *ways[scene.dice.upto(len(ways))])


def go_to(scene: Scene, thing: Thing, status: str, event_type: str) -> None:
    """It goes there, and its charge with it."""
    changes: dict[str, Any] = {"last_payment_error": None}
    is_manual = thing.document["capture_method"] == "manual"
    was = thing.status
    if status == "succeeded" and is_manual and was != "requires_capture":
        status, event_type = "requires_capture", "payment_intent.amount_capturable_updated"
    if event_type == "payment_intent.payment_failed":
        code = DECLINES[scene.dice.upto(3)]
        changes["last_payment_error"] = {"code": "card_declined", "decline_code": code}
    changes["status"] = status
    told: list[tuple[Thing, str]] = []
    if was == "requires_capture":
        told = [_ended(scene, thing, changes)]
    elif was == "requires_action" and "payment_failed" in event_type and scene.dice.upto(2):
        pass  # The shopper failed to authenticate: the bank was never asked.
    elif status in ("succeeded", "requires_capture") or "payment_failed" in event_type:
        told = [_charged(scene, thing, changes)]
    scene.stripe.change(thing, changes)
    for one, its_type in (*told, (thing, event_type)):
        scene.stripe.tell(one, its_type, scene.dice)


def _charged(scene: Scene, intent: Thing, changes: dict[str, Any]) -> tuple[Thing, str]:
    """An attempt makes a charge, whether the bank says yes or no."""
    failed = changes["status"] == "requires_payment_method"
    captured = changes["status"] == "succeeded"
    amount = intent.document["amount"]
    document = {
        "object": CHARGE,
        "amount": amount,
        "amount_captured": amount if captured else 0,
        "amount_refunded": 0,
        "captured": captured,
        "currency": intent.document["currency"],
        "customer": intent.document["customer"],
        "disputed": False,
        "failure_code": "card_declined" if failed else None,
        "livemode": False,
        # A copy: https://docs.stripe.com/metadata#payment-intents-metadata
        "metadata": intent.document["metadata"],
        "outcome": None,
        "paid": not failed,
        "payment_intent": intent.id,
        "refunded": False,
        "status": "failed" if failed else "succeeded",
    }
    label = f"charge {intent.label} {scene.step_number}"
    charge = scene.stripe.add("ch", document, role=intent.role, label=label)
    changes["latest_charge"] = charge.id
    if captured:
        changes["amount_received"] = amount
    return charge, f"charge.{'failed' if failed else 'succeeded'}"


def _ended(scene: Scene, intent: Thing, changes: dict[str, Any]) -> tuple[Thing, str]:
    """What was authorized is captured, in part or whole, or given back."""
    charge = scene.stripe.things[intent.document["latest_charge"]]
    if changes["status"] == "canceled":
        scene.stripe.change(
            charge, {"refunded": True, "amount_refunded": charge.document["amount"]}
        )
        return charge, ("charge.refunded", "charge.expired")[scene.dice.upto(2)]
    amount = intent.document["amount"] // (1, 1, 1, 2)[scene.dice.upto(4)]
    changes["amount_received"] = amount
    scene.stripe.change(charge, {"captured": True, "amount_captured": amount})
    return charge, "charge.captured"


def cancel(scene: Scene, params: Mapping[str, Any], intent_id: str, key: str) -> Thing:
    """POST /v1/payment_intents/{id}/cancel."""
    assert key
    assert params is not None
    thing = scene.stripe.existing(intent_id)
    if thing.status not in _CANCELABLE:
        raise Refused("payment_intent_unexpected_state")
    go_to(scene, thing, "canceled", "payment_intent.canceled")
    return thing


def create(scene: Scene, params: Mapping[str, Any], _: str, key: str) -> Thing:
    """POST /v1/payment_intents."""
    return make(scene, params, key, "ours")


POSTS: Mapping[str, Post] = {
    "/v1/payment_intents": create,
    "/v1/payment_intents/{id}/cancel": cancel,
}


def any_charge(scene: Scene, number: int) -> Thing | None:
    """A charge with money in it, of anybody; what was paid twice is given back more often."""
    paid = [c for c in scene.stripe.of(CHARGE) if c.document["paid"] and c.document["captured"]]
    stray = [c for c in paid if c.role == "stray"]
    if stray and scene.dice.upto(3) == 0:
        paid = stray
    return chosen(paid, number) if paid else None
