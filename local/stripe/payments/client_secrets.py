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
