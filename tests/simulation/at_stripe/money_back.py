"""Refunds, disputes and fraud warnings: https://docs.stripe.com/refunds, …/disputes."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.at_stripe.intents import any_charge
from tests.simulation.model_stripe import Post, Refused, Scene, Thing, chosen

REFUND, DISPUTE, WARNING = "refund", "dispute", "radar.early_fraud_warning"

# One way, and it can fail after it succeeded: https://docs.stripe.com/refunds#failed-refunds
REFUND_MOVES: Mapping[str, tuple[str, ...]] = {
    "pending": ("requires_action", "succeeded", "succeeded", "failed", "canceled"),
    "requires_action": ("succeeded", "failed", "canceled"),
    "succeeded": ("failed",),
    "failed": (),
    "canceled": (),
}
# https://docs.stripe.com/disputes/how-disputes-work
DISPUTE_MOVES: Mapping[str, tuple[str, ...]] = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "under_review", "lost"),
    "under_review": ("won", "lost", "won", "lost", "needs_response"),
    "warning_closed": (),
    "prevented": (),
    "won": (),
    # A bank can still change its mind.
    "lost": ("won",),
}
STANDING = ("pending", "requires_action", "succeeded")
DUE_SECONDS = 7 * 86_400


# --- refunds ------------------------------------------------------------------------------------


def refund(scene: Scene, params: Mapping[str, Any], _: str, key: str | None) -> Thing:
    """POST /v1/refunds, or somebody in the Dashboard (no key)."""
    charge = scene.stripe.existing(params["charge"])
    left = charge.document["amount_captured"] - charge.document["amount_refunded"]
    amount = params.get("amount", left)
    if charge.document["disputed"]:
        raise Refused("charge_disputed")
    if left == 0:
        raise Refused("charge_already_refunded")
    if amount > left:
        raise Refused(None, param="amount")
    document = {
        "object": REFUND,
        "amount": amount,
        "charge": charge.id,
        "currency": charge.document["currency"],
        "metadata": dict(params.get("metadata", {})),
        "payment_intent": charge.document["payment_intent"],
        "reason": params.get("reason"),
        "status": ("succeeded", "succeeded", "pending", "requires_action")[scene.dice.upto(4)],
    }
    label = f"refund {charge.label} {scene.step_number}"
    made = scene.stripe.add("re", document, role=charge.role, key=key, label=label)
    _count(scene, charge)
    scene.stripe.tell(made, "refund.created", scene.dice)
    scene.stripe.tell(charge, "charge.refunded", scene.dice)
    if charge.document["refunded"]:
        _no_longer_actionable(scene, charge)
    return made


def _count(scene: Scene, charge: Thing) -> None:
    """What stands of a charge's refunds."""
    amounts = [
        r.document["amount"]
        for r in scene.stripe.of(REFUND)
        if r.document["charge"] == charge.id and r.status in STANDING
    ]
    whole = charge.document["amount_captured"]
    scene.stripe.change(
        charge, {"amount_refunded": sum(amounts), "refunded": sum(amounts) == whole}
    )


def refund_by_hand(scene: Scene, number: int) -> None:
    """Somebody refunds a charge, or a part of it, in the Dashboard."""
    charge = any_charge(scene, number)
    if charge is None:
        return
    left = charge.document["amount_captured"] - charge.document["amount_refunded"]
    part = (1, 1, 2, 3)[scene.dice.upto(4)]
    if left >= part and not charge.document["disputed"]:
        refund(scene, {"charge": charge.id, "amount": left // part}, "", None)


def move_refund(scene: Scene, number: int) -> None:
    """The bank answers, or sends the money back."""
    open_ones = [r for r in scene.stripe.of(REFUND) if REFUND_MOVES[r.status]]
    if not open_ones:
        return
    thing = chosen(open_ones, number)
    if thing.status == "succeeded" and scene.dice.upto(3):
        return
    ways = REFUND_MOVES[thing.status]
    scene.stripe.change(thing, {"status": ways[scene.dice.upto(len(ways))]})
    _count(scene, scene.stripe.things[thing.document["charge"]])
    # Both names tell of the same; which of them comes is the endpoint's age.
    failed = ("refund.failed",) if thing.status == "failed" else ()
    types = (*failed, "refund.updated", "charge.refund.updated")
    for number_of_type, event_type in enumerate(types):
        if number_of_type == 0 or scene.dice.upto(2):
            scene.stripe.tell(thing, event_type, scene.dice)


# --- disputes -----------------------------------------------------------------------------------


def dispute(scene: Scene, number: int) -> None:
    """A cardholder disputes a charge, or their bank asks about it; a charge can have several."""
    charge = any_charge(scene, number)
    if charge is None:
        return
    first = ("needs_response", "needs_response", "warning_needs_response", "prevented")
    document = {
        "object": DISPUTE,
        "amount": charge.document["amount_captured"],
        "charge": charge.id,
        "currency": charge.document["currency"],
        "evidence_details": {"due_by": scene.stripe.second() + DUE_SECONDS},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.document["payment_intent"],
        "reason": ("fraudulent", "product_not_received")[scene.dice.upto(2)],
        "status": first[scene.dice.upto(4)],
    }
    label = f"dispute {charge.label} {scene.step_number}"
    made = scene.stripe.add("du", document, role=charge.role, label=label)
    scene.stripe.tell(made, "charge.dispute.created", scene.dice)
    if made.status == "needs_response":
        scene.stripe.change(charge, {"disputed": True})
        scene.stripe.tell(made, "charge.dispute.funds_withdrawn", scene.dice)
    if made.status == "prevented":
        scene.stripe.tell(made, "charge.dispute.closed", scene.dice)
    _no_longer_actionable(scene, charge)


def move_dispute(scene: Scene, number: int) -> None:
    """Evidence is sent, or the bank decides."""
    open_ones = [d for d in scene.stripe.of(DISPUTE) if DISPUTE_MOVES[d.status]]
    if not open_ones:
        return
    thing = chosen(open_ones, number)
    if thing.status == "lost" and scene.dice.upto(4):
        return
    ways = DISPUTE_MOVES[thing.status]
    status = ways[scene.dice.upto(len(ways))]
    scene.stripe.change(thing, {"status": status})
    is_over = status in ("won", "lost", "warning_closed")
    scene.stripe.tell(thing, f"charge.dispute.{'closed' if is_over else 'updated'}", scene.dice)
    if status == "needs_response":
        scene.stripe.tell(thing, "charge.dispute.funds_withdrawn", scene.dice)
    if status == "won":
        scene.stripe.tell(thing, "charge.dispute.funds_reinstated", scene.dice)


# --- early fraud warnings -----------------------------------------------------------------------


def warn(scene: Scene, number: int) -> None:
    """The card's network suspects fraud: https://docs.stripe.com/radar/early-fraud-warnings."""
    charge = any_charge(scene, number)
    if charge is None or any(w.document["charge"] == charge.id for w in scene.stripe.of(WARNING)):
        return
    document = {
        "object": WARNING,
        # Not where the money has gone back already.
        "actionable": not charge.document["refunded"] and not charge.document["disputed"],
        "charge": charge.id,
        "fraud_type": ("made_with_stolen_card", "misc")[scene.dice.upto(2)],
        "livemode": False,
        "payment_intent": charge.document["payment_intent"],
    }
    made = scene.stripe.add("issfr", document, role=charge.role, label=f"warning {charge.label}")
    scene.stripe.tell(made, "radar.early_fraud_warning.created", scene.dice)


def _no_longer_actionable(scene: Scene, charge: Thing) -> None:
    for warning in scene.stripe.of(WARNING):
        if warning.document["charge"] == charge.id and warning.document["actionable"]:
            scene.stripe.change(warning, {"actionable": False})
            scene.stripe.tell(warning, "radar.early_fraud_warning.updated", scene.dice)


POSTS: Mapping[str, Post] = {"/v1/refunds": refund}
