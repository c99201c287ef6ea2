"""What a browser must show with its publishable key: the intent's client secret."""

from local.stripe.call import Call
from local.stripe.errors import invalid
from local.stripe.keys import KeyKind
from local.stripe.shapes import Json


def require_client_secret(call: Call, about: Json) -> None:
    """A publishable key must also show the object's client secret."""
    given = call.get("client_secret")
    if call.key.kind is KeyKind.PUBLISHABLE and given is None:
        raise invalid(
            "Missing required param: client_secret.",
            param="client_secret",
            code="parameter_missing",
        )
    if given is not None and given != about["client_secret"]:
        raise invalid(
            "The client_secret provided does not match any associated"
            f" {about['object']} on this account. Ensure the publishable key used belongs to the"
            f" same account that created the {about['object']}.",
            param="client_secret",
            code=f"{about['object']}_invalid_parameter",
        )


# What a browser sees of an intent; the rest is the merchant's.
_SEEN = frozenset(
    {
        "id",
        "object",
        "amount",
        "amount_details",
        "automatic_payment_methods",
        "canceled_at",
        "cancellation_reason",
        "capture_method",
        "client_secret",
        "confirmation_method",
        "created",
        "currency",
        "description",
        "last_payment_error",
        "last_setup_error",
        "livemode",
        "next_action",
        "payment_method",
        "payment_method_types",
        "processing",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "status",
        "usage",
    }
)


def seen_by(call: Call, about: Json) -> Json:
    """The intent as this key may see it."""
    if call.key.kind is not KeyKind.PUBLISHABLE:
        return about
    return {name: value for name, value in about.items() if name in _SEEN}
