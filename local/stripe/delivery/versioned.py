"""An event's body in the version of the endpoint that it goes to."""

import json

from local.stripe import versions
from local.stripe.shapes import Json, public
from local.stripe.spec.releases import in_release


def body_for(event: Json, endpoint: Json) -> bytes:
    """The exact bytes of a delivery, written as Stripe writes them."""
    version: str = endpoint["api_version"] or event["api_version"]
    shown = in_release(public(event), versions.KNOWN[version])
    shown["api_version"] = version
    return json.dumps(shown, indent=2).encode()
