"""Customers, subscriptions and their invoices: https://docs.stripe.com/billing/subscriptions.

A period lasts a month by Stripe's dates, but it ends when a step says so: what counts is the order
of what happens, not the months in between.
"""

from collections.abc import Mapping
from typing import Any

from tests.simulation.model_stripe import DAY, Post, Refused, Scene, Thing, chosen

CUSTOMER, SUBSCRIPTION, INVOICE = "customer", "subscription", "invoice"
PERIOD_SECONDS = 30 * DAY
ENDED = ("canceled", "incomplete_expired")
PRICES = ("price_a", "price_b", "price_c")
# Why a card is declined: code and decline code (https://docs.stripe.com/declines/codes).
DECLINES = (
    ("card_declined", "insufficient_funds"),
    ("card_declined", "do_not_honor"),
    ("expired_card", None),
)


# --- customers ----------------------------------------------------------------------------------


def add_customer(
    scene: Scene, metadata: Mapping[str, str], role: str, *, key: str | None = None
) -> Thing:
    """A new customer, made by us or by somebody else."""
    document = {
        "object": CUSTOMER,
        "email": f"{scene.step_number}@example.com",
        "livemode": False,
        "metadata": dict(metadata),
        "name": None,
    }
    label = f"customer {role} {scene.step_number}"
    thing = scene.stripe.add("cus", document, role=role, key=key, label=label)
    scene.stripe.tell(thing, "customer.created", scene.dice)
    return thing


def is_deleted(customer: Thing) -> bool:
    """Only that is left of it then."""
    return bool(customer.document.get("deleted"))


def change_customer(scene: Scene, number: int) -> None:
    """Somebody edits one at Stripe, or deletes it, which ends its subscriptions."""
    standing = [c for c in scene.stripe.of(CUSTOMER) if not is_deleted(c)]
    if not standing:
        return
    thing = chosen(standing, number)
    if scene.dice.upto(9):
        name = ("Anna", "Anne", None)[scene.dice.upto(3)]
        scene.stripe.change(thing, {"name": name})
        scene.stripe.tell(thing, "customer.updated", scene.dice)
        return
    for subscription in scene.stripe.of(SUBSCRIPTION):
        if subscription.document["customer"] == thing.id and subscription.status not in ENDED:
            _end(scene, subscription, "canceled")
    # The event shows the customer as it was.
    scene.stripe.tell(thing, "customer.deleted", scene.dice)
    thing.document = {"id": thing.id, "object": CUSTOMER, "deleted": True}
    thing.path.append(thing.document)


# --- subscriptions ------------------------------------------------------------------------------


def subscribe(
    scene: Scene,
    customer: Thing,
    metadata: Mapping[str, str],
    role: str,
    *,
    line: tuple[str, int] | None = None,
    key: str | None = None,
) -> Thing:
    """A new subscription with its first invoice: to be paid, or after a trial."""
    now, dice = scene.stripe.second(), scene.dice
    is_trial = line is None and dice.upto(4) == 0
    price, quantity = line or (PRICES[dice.upto(3)], 1 + dice.upto(2))
    document = {
        "object": SUBSCRIPTION,
        "cancel_at_period_end": False,
        "customer": customer.id,
        "items": _items(scene, price, quantity, now + PERIOD_SECONDS),
        "latest_invoice": None,
        "livemode": False,
        "metadata": dict(metadata),
        "status": "trialing" if is_trial else "incomplete",
        "trial_end": now + PERIOD_SECONDS if is_trial else None,
    }
    label = f"subscription {role} {scene.step_number}"
    thing = scene.stripe.add("sub", document, role=role, key=key, label=label)
    invoice = _invoice(scene, thing, "subscription_create", "paid" if is_trial else "open")
    scene.stripe.change(thing, {"latest_invoice": invoice.id})
    scene.stripe.tell(thing, "customer.subscription.created", dice)
    for event_type in ("invoice.created", "invoice.finalized"):
        scene.stripe.tell(invoice, event_type, dice)
    if is_trial:
        _tell_paid(scene, invoice)
    return thing


def _items(scene: Scene, price: str, quantity: int, period_end: int) -> dict[str, Any]:
    row = {
        "id": f"si_{scene.step_number}",
        "object": "subscription_item",
        "current_period_end": period_end,
        "price": {"id": price, "object": "price"},
        "quantity": quantity,
    }
    return {"object": "list", "data": [row], "has_more": False}


def _invoice(scene: Scene, subscription: Thing, reason: str, status: str) -> Thing:
    now = scene.stripe.second()
    document = {
        "object": INVOICE,
        "attempt_count": 0,
        "attempted": False,
        "billing_reason": reason,
        "customer": subscription.document["customer"],
        "due_date": None,
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {
                "subscription": subscription.id,
                "metadata": subscription.document["metadata"],
            },
        },
        "status": status,
        "status_transitions": {"finalized_at": None if status == "draft" else now},
    }
    label = f"invoice {subscription.label} {scene.step_number}"
    return scene.stripe.add("in", document, role=subscription.role, label=label)


def _tell_paid(scene: Scene, invoice: Thing) -> None:
    """Two Event objects of two types for one change."""
    scene.stripe.tell(invoice, "invoice.paid", scene.dice)
    scene.stripe.tell(invoice, "invoice.payment_succeeded", scene.dice)


def latest_of(scene: Scene, subscription: Thing) -> Thing:
    """Its latest invoice."""
    return scene.stripe.things[subscription.document["latest_invoice"]]


def go_on(scene: Scene, thing: Thing) -> None:
    """Whatever comes next for a subscription: the bank answers, a period ends, someone decides."""
    if thing.status in ENDED:
        # An old debt is still paid, or given up.
        _settle_debt(scene, thing)
    elif scene.dice.upto(5) == 0:
        _decide(scene, thing)
    elif thing.status == "incomplete":
        _first_payment(scene, thing)
    elif thing.status == "paused":
        _resume(scene, thing)
    elif latest_of(scene, thing).status == "draft":
        _finalize(scene, thing)
    elif latest_of(scene, thing).status == "open":
        _collect(scene, thing)
    else:
        _renew(scene, thing)


def _first_payment(scene: Scene, thing: Thing) -> None:
    dice, invoice = scene.dice.upto(5), latest_of(scene, thing)
    if dice == 0:
        scene.stripe.change(invoice, {"status": "void"})
        scene.stripe.tell(invoice, "invoice.voided", scene.dice)
        _end(scene, thing, "incomplete_expired")
    elif dice == 1:
        _attempt_failed(scene, invoice)
    else:
        _paid(scene, thing, invoice)


def _paid(scene: Scene, thing: Thing, invoice: Thing) -> None:
    scene.stripe.change(invoice, {"status": "paid", "next_payment_attempt": None})
    _intent(invoice, status="succeeded")
    if thing.status not in ("active", "trialing", *ENDED):
        scene.stripe.change(thing, {"status": "active"})
        scene.stripe.tell(thing, "customer.subscription.updated", scene.dice)
    _tell_paid(scene, invoice)


def _attempt_failed(scene: Scene, invoice: Thing) -> None:
    now, count = scene.stripe.second(), invoice.document["attempt_count"] + 1
    changes = {"attempt_count": count, "attempted": True, "next_payment_attempt": now + 3 * DAY}
    scene.stripe.change(invoice, changes)
    action = ("invoice.payment_action_required",) if scene.dice.upto(4) == 0 else ()
    if action:
        _intent(invoice, status="requires_action", next_action={"type": "use_stripe_sdk"})
    else:
        code, decline_code = DECLINES[scene.step_number % len(DECLINES)]
        error = {"code": code, "decline_code": decline_code, "message": "No."}
        _intent(invoice, status="requires_payment_method", last_payment_error=error)
    for event_type in ("invoice.payment_failed", *action):
        scene.stripe.tell(invoice, event_type, scene.dice)


def _intent(invoice: Thing, **shown: Any) -> None:
    """Its payment intent as it is from now on: since 2025-03-31 only `payments` leads to it."""
    intent = {"object": "payment_intent", "last_payment_error": None, "next_action": None, **shown}
    payment = {"type": "payment_intent", "payment_intent": intent}
    row = {"object": "invoice_payment", "is_default": True, "payment": payment}
    invoice.hidden["payments"] = {"object": "list", "data": [row]}


def why_unpaid(invoice: Thing) -> tuple[str, str | None] | None:
    """Code and decline code of the last attempt; None where nothing is owed or none was made."""
    payments = invoice.hidden.get("payments")
    if payments is None or invoice.status not in ("open", "uncollectible"):
        return None
    intent = payments["data"][0]["payment"]["payment_intent"]
    error = intent["last_payment_error"]
    return (error["code"], error["decline_code"]) if error else ("authentication_required", None)


def _renew(scene: Scene, thing: Thing) -> None:
    """A period, or the trial, is over: ended, paused, or on with a draft for the next one."""
    if thing.document["cancel_at_period_end"]:
        _end(scene, thing, "canceled")
        return
    was_trial = thing.status == "trialing"
    if was_trial and scene.dice.upto(3) == 0:
        scene.stripe.change(thing, {"status": "paused"})
        scene.stripe.tell(thing, "customer.subscription.paused", scene.dice)
        return
    invoice = _invoice(scene, thing, "subscription_cycle", "draft")
    row = thing.document["items"]["data"][0]
    later = {**row, "current_period_end": row["current_period_end"] + PERIOD_SECONDS}
    changes: dict[str, Any] = {
        "items": {**thing.document["items"], "data": [later]},
        "latest_invoice": invoice.id,
    }
    if was_trial:
        changes["status"] = "active"
    scene.stripe.change(thing, changes)
    scene.stripe.tell(thing, "customer.subscription.updated", scene.dice)
    scene.stripe.tell(invoice, "invoice.created", scene.dice)


def _finalize(scene: Scene, thing: Thing) -> None:
    invoice = latest_of(scene, thing)
    at = {"finalized_at": scene.stripe.second()}
    scene.stripe.change(invoice, {"status": "open", "status_transitions": at})
    scene.stripe.tell(invoice, "invoice.finalized", scene.dice)


def _collect(scene: Scene, thing: Thing) -> None:
    """The card is charged; a failure makes the subscription late, the last one ends it."""
    invoice = latest_of(scene, thing)
    dice = scene.dice.upto(6)
    if dice > 2:
        _paid(scene, thing, invoice)
        return
    _attempt_failed(scene, invoice)
    if invoice.document["attempt_count"] < 3:
        status = "past_due"
    else:
        status = ("canceled", "unpaid", "past_due")[dice]
        scene.stripe.change(invoice, {"next_payment_attempt": None})
    if status == "canceled":
        _end(scene, thing, status)
    elif status != thing.status:
        scene.stripe.change(thing, {"status": status})
        scene.stripe.tell(thing, "customer.subscription.updated", scene.dice)


def _resume(scene: Scene, thing: Thing) -> None:
    scene.stripe.change(thing, {"status": "active"})
    scene.stripe.tell(thing, "customer.subscription.resumed", scene.dice)


def _settle_debt(scene: Scene, thing: Thing) -> None:
    invoice = latest_of(scene, thing)
    if invoice.status not in ("open", "uncollectible"):
        return
    dice = scene.dice.upto(3)
    if dice == 0:
        _paid(scene, thing, invoice)
    elif dice == 1 or invoice.status == "uncollectible":
        scene.stripe.change(invoice, {"status": "void"})
        scene.stripe.tell(invoice, "invoice.voided", scene.dice)
    else:
        scene.stripe.change(invoice, {"status": "uncollectible"})
        scene.stripe.tell(invoice, "invoice.marked_uncollectible", scene.dice)


def _decide(scene: Scene, thing: Thing) -> None:
    """The customer, or the shop in the Dashboard, changes it."""
    dice, document = scene.dice.upto(5), thing.document
    if dice == 0:
        _end(scene, thing, "incomplete_expired" if thing.status == "incomplete" else "canceled")
        return
    if dice == 1 and thing.status == "trialing":
        scene.stripe.tell(thing, "customer.subscription.trial_will_end", scene.dice)
        return
    row = document["items"]["data"][0]
    other = {**row, "price": {"id": PRICES[scene.dice.upto(3)], "object": "price"}}
    changes = (
        {"cancel_at_period_end": not document["cancel_at_period_end"]}
        if dice < 3
        else {"items": {**document["items"], "data": [other]}}
    )
    scene.stripe.change(thing, changes)
    scene.stripe.tell(thing, "customer.subscription.updated", scene.dice)


def _end(scene: Scene, thing: Thing, status: str) -> None:
    scene.stripe.change(thing, {"status": status})
    deleted = status == "canceled"
    scene.stripe.tell(
        thing, f"customer.subscription.{'deleted' if deleted else 'updated'}", scene.dice
    )


def move(scene: Scene, number: int) -> None:
    """One of the subscriptions goes on, mostly one that has not ended."""
    things = scene.stripe.of(SUBSCRIPTION)
    standing = [t for t in things if t.status not in ENDED]
    if things:
        go_on(scene, chosen(standing if standing and scene.dice.upto(6) else things, number))


# --- what we ask for ----------------------------------------------------------------------------


def create_customer(scene: Scene, params: Mapping[str, Any], _: str, key: str) -> Thing:
    """POST /v1/customers."""
    return add_customer(scene, params["metadata"], "ours", key=key)


def create_subscription(scene: Scene, params: Mapping[str, Any], _: str, key: str) -> Thing:
    """POST /v1/subscriptions with payment_behavior=default_incomplete."""
    customer = scene.stripe.existing(params["customer"])
    if is_deleted(customer):
        raise Refused("resource_missing", param="customer")
    (item,) = params["items"]
    line = (item["price"], item["quantity"])
    return subscribe(scene, customer, params["metadata"], "ours", line=line, key=key)


POSTS: Mapping[str, Post] = {
    "/v1/customers": create_customer,
    "/v1/subscriptions": create_subscription,
}
