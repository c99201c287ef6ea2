"""Checkout sessions: docs.stripe.com/api/checkout/sessions."""

from local.stripe.accounts import Account
from local.stripe.call import Call
from local.stripe.errors import invalid
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import envelope, listed, paged, same
from local.stripe.payments import checkout, methods
from local.stripe.payments.method_types import types_for
from local.stripe.rendering import includable
from local.stripe.resources.checkout_lines import new_lines, totals
from local.stripe.resources.checkout_modes import confirm
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

KIND = checkout.KIND
_DAY = 24 * 3600


@route("POST", "/v1/checkout/sessions")
def create(call: Call) -> Json:
    """A page to pay on, with its URL."""
    _require(call)
    customer = call.referred("customer", "customer")
    mode = call.get("mode") or "payment"
    session = _bare(call, mode)
    session["customer"] = customer["id"] if customer else None
    call.store.add(session)
    rows = new_lines(call, session)
    session.update(totals(call, session, rows))
    session["payment_method_types"] = types_for(call, session["currency"] or "usd")
    if not session["amount_total"]:
        session["payment_status"] = "no_payment_required" if mode != "payment" else "unpaid"
    session["_payment_intent_data"] = call.get("payment_intent_data") or {}
    session["_subscription_data"] = call.get("subscription_data") or {}
    session["_setup_intent_data"] = call.get("setup_intent_data") or {}
    account, session_id = call.account, session["id"]
    account.timers.at(session["expires_at"], lambda: _expire_late(account, session_id))
    return session


@route("GET", "/v1/checkout/sessions")
def index(call: Call) -> Json:
    """Sessions, newest first."""
    names = ("customer", "payment_intent", "status", "subscription")
    return listed(call, KIND, same(call, *names))


@route("GET", "/v1/checkout/sessions/{session}")
def retrieve(call: Call) -> Json:
    """One session."""
    return call.named(KIND, "session")


@route("POST", "/v1/checkout/sessions/{session}")
def update(call: Call) -> Json:
    """Changes metadata."""
    session = call.edited(KIND, "session")
    session["metadata"] = merged_metadata(session["metadata"], call.get("metadata"))
    return session


@route("GET", "/v1/checkout/sessions/{session}/line_items")
def index_lines(call: Call) -> Json:
    """What is bought."""
    session = call.named(KIND, "session")
    rows = (row for row in call.store.oldest("item") if row["_session"] == session["id"])
    return paged(call, rows, "item")


@route("POST", "/v1/checkout/sessions/{session}/expire")
def expire(call: Call) -> Json:
    """Closes an open session."""
    session = call.edited(KIND, "session")
    checkout.expire(call.account, session)
    return session


@route("GET", "/v1/payment_pages/{session}")
def retrieve_page(call: Call) -> Json:
    """What the hosted page knows of its session; Stripe's CLI asks for it."""
    session = call.named(KIND, "session")
    return {**session, "object": "checkout.session", "session_id": session["id"]}


@route("POST", "/v1/payment_pages/{session}/confirm")
def confirm_page(call: Call) -> Json:
    """What the hosted page does when the customer pays."""
    session = call.edited(KIND, "session")
    method = methods.usable(call.account, call.get("payment_method"))
    confirm(call, session, method, call.get("expected_amount"))
    return session


@includable(KIND, "line_items")
def line_items_of(account: Account, session: Json) -> Json:
    """What is bought, at most ten."""
    rows = [row for row in account.store.oldest("item") if row["_session"] == session["id"]]
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    return envelope(url, rows[:10], has_more=len(rows) > 10)  # noqa: PLR2004 - Stripe's first page


def _expire_late(account: Account, session_id: str) -> None:
    present = account.store.find(KIND, session_id)
    if present is not None and present["status"] == "open":
        checkout.expire(account, account.store.edit(KIND, session_id))


def _require(call: Call) -> None:
    """400 for what a session cannot be without."""
    mode = call.get("mode") or "payment"
    hosted = (call.get("ui_mode") or "hosted_page") == "hosted_page"
    if mode != "setup" and not call.get("line_items"):
        raise invalid(
            "Missing required param: line_items.", param="line_items", code="parameter_missing"
        )
    if hosted and not call.get("success_url"):
        raise invalid(
            "Missing required param: success_url.", param="success_url", code="parameter_missing"
        )
    if mode != "payment" and call.get("payment_intent_data"):
        raise invalid(
            f"You can not pass `payment_intent_data` in `{mode}` mode.",
            param="payment_intent_data",
        )


def _bare(call: Call, mode: str) -> Json:
    mark = "live" if call.account.livemode else "test"
    session_id = f"{new_id(KIND)[:3]}{mark}_{random_letters(58)}"
    ui_mode = call.get("ui_mode") or "hosted_page"
    hosted = ui_mode == "hosted_page"
    created = call.now
    session = skeleton(
        KIND,
        **call.base,
        id=session_id,
        adaptive_pricing={"enabled": False},
        allowed_payment_method_types=call.get("allowed_payment_method_types"),
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        cancel_url=call.get("cancel_url"),
        client_reference_id=call.get("client_reference_id"),
        client_secret=None if hosted else f"{session_id}_secret_{random_letters(40)}",
        custom_text=skeleton("payment_pages_checkout_session_custom_text"),
        customer_creation=call.get("customer_creation")
        or ("if_required" if mode == "payment" else "always"),
        customer_email=call.get("customer_email"),
        expires_at=call.get("expires_at") or created + _DAY,
        locale=call.get("locale"),
        metadata=merged_metadata({}, call.get("metadata")),
        mode=mode,
        payment_method_collection="if_required" if mode == "payment" else "always",
        payment_method_options={},
        payment_status="unpaid",
        shipping_options=[],
        status="open",
        success_url=call.get("success_url"),
        ui_mode=ui_mode,
        url=f"{call.account.base_url}/pages/checkout/{session_id}" if hosted else None,
    )
    if call.get("return_url"):
        session["return_url"] = call.get("return_url")
    if mode == "payment":
        session["invoice_creation"] = _no_invoice()
    if call.get("customer"):
        session["customer_creation"] = None
    return session


def _no_invoice() -> Json:
    return {
        "enabled": False,
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": None,
            "metadata": {},
            "rendering_options": None,
        },
    }
