"""Subscriptions over two renewals on a test clock: paid, failed and recovered, failed and ended."""

import json
import secrets
import time
from typing import Any

import pytest
import stripe
from paidonce.domain.moment import iso
from paidonce.domain.next_step import NextStep

from local.shop import Shop
from tests.journeys.listener import Listener, on_a_topic, on_the_bus
from tests.journeys.test_customers import new_price, post

DAY = 24 * 3600
HEADLINES = ("started", "past_due", "renewed", "ended")


class Clock:
    """A test clock at Stripe; whoever bills by it is ours by our marks."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.begun = int(time.time())
        self.clocks = shop.stripe.v1.test_helpers.test_clocks
        self.id = self.clocks.create({"frozen_time": self.begun}).id

    def after(self, days: float) -> None:
        """So many days after its beginning, once Stripe has billed all that was due."""
        self.at(self.begun + int(days * DAY))

    def at(self, second: int) -> None:
        """This moment, once Stripe has billed all that was due."""
        self.clocks.advance(self.id, {"frozen_time": second})
        self.shop.until(
            lambda: self.clocks.retrieve(self.id).status == "ready", what="the clock arrives"
        )

    def customer(self) -> str:
        """A customer made at Stripe: its row here begins with its event."""
        marks = {
            "paidonce_stage": self.shop.endpoints["stage"],
            "paidonce_user": f"user-{secrets.token_hex(6)}",
        }
        params: Any = {"test_clock": self.id, "metadata": marks, "name": "Anna"}
        made = self.shop.stripe.v1.customers.create(params).id
        self.shop.until(
            lambda: self.shop.http.get(f"/customers/{made}").is_success, what=f"{made} has a row"
        )
        return made


def subscribed(shop: Shop, clock: Clock, price: str) -> str:
    """Begun by our API and paid in the browser."""
    body = {"customer_id": clock.customer(), "items": [{"price": price, "quantity": 2}]}
    begun = post(shop, "/subscriptions", body)
    assert begun.status_code == 201, begun.text
    found, secret = begun.json()["subscription"], begun.json()["client_secret"]
    assert (found["status"], found["entitled"]) == ("incomplete", False)
    shop.confirm(secret.partition("_secret_")[0])
    when(shop, found["id"], status="active", entitled=True)
    return str(found["id"])


def pays_with(shop: Shop, subscription_id: str, card: str) -> None:
    """From now on."""
    customer = shop.stripe.v1.subscriptions.retrieve(subscription_id).customer
    method = shop.stripe.v1.payment_methods.attach(card, {"customer": str(customer)})
    shop.stripe.v1.subscriptions.update(subscription_id, {"default_payment_method": method.id})


def asked_to_pay_with(shop: Shop, subscription_id: str, card: str) -> None:
    """Its draft for the next period, by hand, before Stripe itself asks; the card is declined."""
    invoices = shop.stripe.v1.invoices
    (draft,) = invoices.list({"subscription": subscription_id, "status": "draft"}).data
    invoices.finalize_invoice(draft.id)
    with pytest.raises(stripe.CardError):
        invoices.pay(draft.id, {"payment_method": card})


def period_end(shop: Shop, subscription_id: str) -> int:
    """When its period ends, by Stripe."""
    held = shop.stripe.v1.subscriptions.retrieve(subscription_id).to_dict()
    return int(held["items"]["data"][0]["current_period_end"])


def shown(shop: Shop, subscription_id: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.http.get(f"/subscriptions/{subscription_id}").json()[
        "subscription"
    ]
    return found


def when(shop: Shop, subscription_id: str, **wanted: Any) -> dict[str, Any]:
    """Our subscription once it shows this."""
    return shop.until(
        lambda: (s := shown(shop, subscription_id)).items() >= wanted.items() and s,
        what=f"{subscription_id} shows {wanted}",
    )


def at_stripe(shop: Shop, subscription_id: str) -> dict[str, Any]:
    """What Stripe holds, in our words."""
    found = shop.stripe.v1.subscriptions.retrieve(subscription_id, {"expand": ["latest_invoice"]})
    held = found.to_dict()
    rows = held["items"]["data"]
    return {
        "id": held["id"],
        "customer_id": held["customer"],
        "status": held["status"],
        "items": [{"price": row["price"]["id"], "quantity": row["quantity"]} for row in rows],
        "current_period_end": iso(min(row["current_period_end"] for row in rows)),
        "cancel_at_period_end": held["cancel_at_period_end"],
        "trial_end": None,
        "latest_invoice": {name: held["latest_invoice"][name] for name in ("id", "status")},
    }


def told(listener: Listener, subscription_id: str) -> dict[str, int]:
    """Steps that the bus was told of, by distinct id."""
    ids = {one.id for one in listener.events_about(subscription_id)}
    kinds = [one.rpartition(".")[2] for one in ids]
    return {kind: kinds.count(kind) for kind in HEADLINES if kind in kinds}


def told_when(listener: Listener, subscription_id: str, steps: dict[str, int]) -> None:
    """Waits until the bus was told of just these."""
    listener.shop.until(
        lambda: told(listener, subscription_id) == steps,
        what=f"the bus is told of {steps}, and was of {told(listener, subscription_id)}",
    )


def codes(found: dict[str, Any]) -> tuple[str | None, str | None] | None:
    """Why it could not be renewed."""
    error = found["last_error"]
    return error and (error["code"], error["decline_code"])


def failures_told(mailer: Listener, subscription_id: str) -> list[str]:
    """The texts of the notices of failed renewals."""
    sent = [json.loads(body) for body in mailer.read()]
    return [
        one["text"]
        for one in sent
        if (one["kind"], one["object_id"]) == ("renewal_failed", subscription_id)
    ]


def failure_told(mailer: Listener, subscription_id: str) -> str:
    """The only one, once it is sent."""
    (text,) = mailer.shop.until(
        lambda: failures_told(mailer, subscription_id),
        what=f"the customer of {subscription_id} is told",
    )
    return text


def test_two_renewals_one_recovered_one_ended(shop: Shop) -> None:
    """The customer is told the next step of each failure, by its own decline code, once."""
    price = new_price(shop, 900, interval="month")
    clock = Clock(shop)
    with on_the_bus(shop) as listener, on_a_topic(shop, "CustomerNoticesTopicArn") as mailer:
        paying, late, gone = (subscribed(shop, clock, price) for _ in range(3))
        for subscription_id in (late, gone):
            pays_with(shop, subscription_id, "pm_card_chargeCustomerFail")
        clock.at(period_end(shop, gone) + 600)
        asked_to_pay_with(shop, gone, "pm_card_chargeDeclinedInsufficientFunds")
        when(shop, gone, status="past_due")
        clock.after(31.5)
        when(shop, paying, status="active", entitled=True)
        for subscription_id in (late, gone):
            # In the days of its grace it may be used.
            found = when(shop, subscription_id, status="past_due", entitled=True)
            assert found["entitled_until"] is not None
        for subscription_id, decline_code, step in (
            (late, "generic_decline", NextStep.CALL_BANK),
            (gone, "insufficient_funds", NextStep.ADD_FUNDS),
        ):
            assert codes(shown(shop, subscription_id)) == ("card_declined", decline_code)
            assert step.value in failure_told(mailer, subscription_id)
        pays_with(shop, late, "pm_card_visa")
        shop.stripe.v1.invoices.pay(when(shop, late, status="past_due")["latest_invoice"]["id"])
        when(shop, late, status="active", entitled=True, entitled_until=None, last_error=None)
        clock.after(63)
        # The later attempts were made with the other card.
        last = when(shop, gone, status="canceled", entitled=False)
        assert codes(last) == ("card_declined", "generic_decline")
        for subscription_id in (paying, late, gone):
            when(shop, subscription_id, **at_stripe(shop, subscription_id))
        wanted = {
            paying: {"started": 1, "renewed": 2},
            late: {"started": 1, "past_due": 1, "renewed": 2},
            gone: {"started": 1, "past_due": 1, "ended": 1},
        }
        for subscription_id, steps in wanted.items():
            told_when(listener, subscription_id, steps)
        for subscription_id in (late, gone):
            assert len(failures_told(mailer, subscription_id)) == 1
        for subscription_id in wanted:
            newest = max(listener.events_about(subscription_id), key=lambda one: one.version)
            found = shown(shop, subscription_id)
            own = {"version": 0, "updated_at": 0}
            assert {**newest.object, **own} == found | own
    assert shop.queue_depth("EventsDeadLetterQueueUrl") == 0
