"""What happens when a customer pays on the checkout page."""

from local.stripe.accounts import Account
from local.stripe.errors import invalid, refused
from local.stripe.identifiers import new_id
from local.stripe.payments import attaching, intents
from local.stripe.payments.intents import Confirmation
from local.stripe.payments.opening import new_intent
from local.stripe.shapes import Json
from local.stripe.spec.skeletons import skeleton

KIND = "checkout.session"


def pay(account: Account, session: Json, method: Json, expected_amount: int | None) -> None:
    """Pays a session of mode `payment`; StripeError 402 when the card says no."""
    require_open(session)
    if expected_amount is not None and expected_amount != session["amount_total"]:
        raise invalid(
            f"The expected_amount {expected_amount} does not match the session's amount"
            f" {session['amount_total']}.",
            param="expected_amount",
        )
    _take_details(account, session, method)
    intent = _intent(account, session)
    session["payment_intent"] = intent["id"]
    intents.confirm(account, intent, method, Confirmation(return_url=session["success_url"]))
    after_confirmation(account, session, intent)


def after_confirmation(account: Account, session: Json, intent: Json) -> None:
    """Completes a session whose payment succeeded, or is on its way."""
    if intent["status"] in {"succeeded", "requires_capture"}:
        complete(account, session, paid=intent["status"] == "succeeded")
    elif intent["status"] == "processing":
        complete(account, session, paid=False)
        session["_waits_for_bank"] = True


def complete(account: Account, session: Json, *, paid: bool) -> None:
    """The customer is through."""
    session.update(status="complete", url=None)
    if session["amount_total"]:
        session["payment_status"] = "paid" if paid else "unpaid"
    account.emit("checkout.session.completed", session)


def expire(account: Account, session: Json) -> None:
    """Nobody can pay here any more."""
    require_open(session)
    session.update(status="expired", url=None)
    account.emit("checkout.session.expired", session)


def require_open(session: Json) -> None:
    """400 unless the session can still be paid."""
    if session["status"] != "open":
        raise refused(
            f"This Checkout Session is {session['status']} and cannot be changed. Only Checkout"
            ' Sessions with a status in ["open"] can be.',
            code="checkout_session_not_open",
        )


def ensure_customer(account: Account, session: Json, method: Json) -> str:
    """The session's customer, made from what was typed when there is none yet."""
    if session["customer"]:
        return str(session["customer"])
    details = method["billing_details"]
    customer = skeleton(
        "customer",
        id=new_id("customer", short=True),
        created=account.clock.now(),
        email=session["customer_email"] or details["email"],
        invoice_prefix=session["id"][-8:].upper(),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        livemode=account.livemode,
        name=details["name"],
        next_invoice_sequence=1,
        tax_exempt="none",
    )
    for name in ("sources", "subscriptions", "tax_ids", "tax", "cash_balance"):
        customer.pop(name, None)
    account.store.add(customer)
    account.emit("customer.created", customer)
    session["customer"] = customer["id"]
    return str(customer["id"])


def attach_to_customer(account: Account, session: Json, method: Json) -> str:
    """Gives the method to the session's customer, for later."""
    customer_id = ensure_customer(account, session, method)
    attaching.attach(account, method, account.store.get("customer", customer_id))
    return customer_id


def _take_details(account: Account, session: Json, method: Json) -> None:
    details = method["billing_details"]
    session["customer_details"] = {
        "address": details["address"],
        "business_name": None,
        "email": session["customer_email"] or details["email"],
        "individual_name": None,
        "name": details["name"],
        "phone": details["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }
    if session["customer_creation"] == "always":
        ensure_customer(account, session, method)


def _intent(account: Account, session: Json) -> Json:
    """The session's intent; Stripe makes it when the customer pays."""
    present = account.store.find("payment_intent", session["payment_intent"])
    if present is not None:
        return account.store.edit("payment_intent", present["id"])
    wanted = session["_payment_intent_data"]
    intent = new_intent(
        account,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        capture_method=wanted.get("capture_method"),
        description=wanted.get("description"),
        metadata=wanted.get("metadata") or {},
        payment_method_types=session["payment_method_types"],
        receipt_email=wanted.get("receipt_email"),
        setup_future_usage=wanted.get("setup_future_usage"),
        shipping=_shipping(wanted),
        statement_descriptor=wanted.get("statement_descriptor"),
    )
    intent["_session"] = session["id"]
    account.store.add(intent)
    account.emit("payment_intent.created", intent)
    return intent


def _shipping(wanted: Json) -> Json | None:
    given = wanted.get("shipping")
    if not given:
        return None
    address = {"line2": None, **given.get("address", {})}
    return {"carrier": None, "phone": None, "tracking_number": None, **given, "address": address}


def intent_ended(account: Account, intent: Json) -> None:
    """A bank's late answer, or an authentication that ended, moves the session."""
    present = account.store.find(KIND, intent.get("_session"))
    if present is None:
        return
    session = account.store.edit(KIND, present["id"])
    if session["status"] == "open":
        if session["payment_intent"] and intent.get("_authenticated"):
            after_confirmation(account, session, intent)
        return
    if not session.get("_waits_for_bank"):
        return
    session["_waits_for_bank"] = False
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        account.emit("checkout.session.async_payment_succeeded", session)
    else:
        account.emit("checkout.session.async_payment_failed", session)


intents.AFTER_INTENT.append(intent_ended)
