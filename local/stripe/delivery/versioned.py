"""An event's body in the version of the endpoint that it goes to."""

import json

from local.stripe.shapes import Json, public


def body_for(event: Json, endpoint: Json) -> bytes:
    """The exact bytes of a delivery, written as Stripe writes them.

    Between dahlia and endive no field of an object that we make differs (the overlay lists
    request parameters only), so only `api_version` changes.
    """
    shown: Json = public(event)
    shown["api_version"] = endpoint["api_version"] or event["api_version"]
    return json.dumps(shown, indent=2).encode()
