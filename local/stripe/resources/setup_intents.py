"""Setup intents: docs.stripe.com/api/setup_intents."""

from local.stripe.call import Call
from local.stripe.errors import refused
from local.stripe.identifiers import new_id, random_letters
from local.stripe.listing import listed, same
from local.stripe.payments import methods, setups
from local.stripe.payments.client_secrets import require_client_secret, seen_by
from local.stripe.payments.intents import Confirmation
from local.stripe.payments.method_types import automatic_choice, require_return_url, types_for
from local.stripe.rendering import rendered
from local.stripe.router import route
from local.stripe.shapes import Json, merged_metadata
from local.stripe.spec.skeletons import skeleton

KIND = "setup_intent"
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/setup_intents")
def create(call: Call) -> Json:
    """A new setup, confirmed at once when asked to."""
    customer = call.referred("customer", "customer")
    setup = new_setup(call, customer["id"] if customer else None)
    method = _given_method(call)
    if method is not None:
        setup.update(payment_method=method["id"], status="requires_confirmation")
    if call.get("confirm"):
        if method is None:
            raise _without_method(call, setup)
        require_return_url(call, setup)
    call.store.add(setup)
    call.account.emit("setup_intent.created", setup)
    if call.get("confirm") and method is not None:
        setups.confirm(call.account, setup, method, _how(call))
    return setup


def new_setup(call: Call, customer_id: str | None) -> Json:
    """A setup from a request's parameters, not yet kept."""
    setup_id = new_id(KIND)
    setup = skeleton(
        KIND,
        **call.base,
        id=setup_id,
        automatic_payment_methods=automatic_choice(call),
        client_secret=f"{setup_id}_secret_{random_letters(27)}",
        customer=customer_id,
        description=call.get("description"),
        metadata=merged_metadata({}, call.get("metadata")),
        payment_method_options={
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        payment_method_types=types_for(call, "usd"),
        status="requires_payment_method",
        usage=call.get("usage", "off_session"),
    )
    for name in ("allowed_payment_method_types", "excluded_payment_method_types"):
        setup[name] = call.get(name) or None
    return setup


@route("GET", "/v1/setup_intents")
def index(call: Call) -> Json:
    """Setups, newest first."""
    return listed(call, KIND, same(call, "customer", "payment_method"))


@route("GET", "/v1/setup_intents/{intent}")
def retrieve(call: Call) -> Json:
    """One setup; with a publishable key only together with its client secret."""
    setup = call.named(KIND, "intent")
    require_client_secret(call, setup)
    return seen_by(call, setup)


@route("POST", "/v1/setup_intents/{intent}")
def update(call: Call) -> Json:
    """Changes what may still be changed."""
    setup = call.edited(KIND, "intent")
    if "description" in call.params:
        setup["description"] = call.get("description") or None
    if "customer" in call.params:
        customer = call.referred("customer", "customer")
        setup["customer"] = customer["id"] if customer else None
    setup["metadata"] = merged_metadata(setup["metadata"], call.get("metadata"))
    method = _given_method(call)
    if method is not None and setup["status"] in _OPEN:
        setup.update(payment_method=method["id"], status="requires_confirmation")
    return setup


@route("POST", "/v1/setup_intents/{intent}/confirm")
def confirm(call: Call) -> Json:
    """Checks the payment method."""
    setup = call.edited(KIND, "intent")
    require_client_secret(call, setup)
    if setup["status"] not in _OPEN:
        raise _unexpected(
            call,
            setup,
            f"You cannot confirm this SetupIntent because it has a status of {setup['status']}.",
        )
    method = _given_method(call)
    if method is None:
        if setup["payment_method"] is None:
            raise _without_method(call, setup)
        method = call.store.get("payment_method", setup["payment_method"])
    require_return_url(call, setup)
    setups.confirm(call.account, setup, method, _how(call))
    return seen_by(call, setup)


@route("POST", "/v1/setup_intents/{intent}/cancel")
def cancel(call: Call) -> Json:
    """Ends an open setup."""
    setup = call.edited(KIND, "intent")
    if setup["status"] not in _OPEN:
        raise _unexpected(
            call,
            setup,
            f"You cannot cancel this SetupIntent because it has a status of {setup['status']}. Only"
            " a SetupIntent with one of the following statuses may be canceled:"
            f" {', '.join(_OPEN)}.",
        )
    setup.update(
        status="canceled",
        cancellation_reason=call.get("cancellation_reason"),
        next_action=None,
    )
    call.account.emit("setup_intent.canceled", setup)
    return setup


def _given_method(call: Call) -> Json | None:
    data = call.get("payment_method_data")
    if data:
        return methods.made(call.account, data, "payment_method_data")
    given = call.get("payment_method")
    return methods.usable(call.account, given) if given else None


def _how(call: Call) -> Confirmation:
    return Confirmation(
        return_url=call.get("return_url"), use_stripe_sdk=call.get("use_stripe_sdk", False)
    )


def _without_method(call: Call, setup: Json) -> Exception:
    return _unexpected(
        call,
        setup,
        "You cannot confirm this SetupIntent because it's missing a payment method. Update the"
        " SetupIntent with a payment method and then confirm it again.",
    )


def _unexpected(call: Call, setup: Json, message: str) -> Exception:
    return refused(
        message,
        code="setup_intent_unexpected_state",
        setup_intent=rendered(call.account, setup),
    )
