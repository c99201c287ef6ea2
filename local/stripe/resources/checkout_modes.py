"""How a checkout session is completed in each of its modes."""

from local.stripe.call import Call
from local.stripe.payments import checkout, setups
from local.stripe.payments.intents import Confirmation
from local.stripe.resources.setup_intents import new_setup
from local.stripe.resources.subscriptions import begin
from local.stripe.shapes import Json


def confirm(call: Call, session: Json, method: Json, expected_amount: int | None) -> None:
    """Pays, subscribes or saves, as the session's mode says."""
    if session["mode"] == "payment":
        checkout.pay(call.account, session, method, expected_amount)
    elif session["mode"] == "subscription":
        _subscribe(call, session, method)
    else:
        _set_up(call, session, method)


def _subscribe(call: Call, session: Json, method: Json) -> None:
    checkout.require_open(session)
    account = call.account
    customer_id = checkout.attach_to_customer(account, session, method)
    customer = account.store.get("customer", customer_id)
    rows = [row for row in account.store.oldest("item") if row["_session"] == session["id"]]
    wanted = session["_subscription_data"]
    params = {
        **wanted,
        "default_payment_method": method["id"],
        "items": [
            {"price": row["price"]["id"], "quantity": row["quantity"]}
            for row in rows
            if row["price"]["recurring"]
        ],
        "payment_behavior": "error_if_incomplete",
    }
    subscription = begin(call, customer, params)
    session.update(subscription=subscription["id"], invoice=subscription["latest_invoice"])
    checkout.complete(account, session, paid=True)


def _set_up(call: Call, session: Json, method: Json) -> None:
    checkout.require_open(session)
    customer_id = session["customer"]
    setup = new_setup(call, customer_id)
    setup["metadata"] = session["_setup_intent_data"].get("metadata") or {}
    call.store.add(setup)
    call.account.emit("setup_intent.created", setup)
    session["setup_intent"] = setup["id"]
    setups.confirm(call.account, setup, method, Confirmation(return_url=session["success_url"]))
    if setup["status"] == "succeeded":
        checkout.complete(call.account, session, paid=False)
