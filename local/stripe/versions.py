"""Which `Stripe-Version` we answer in, and what an unknown one gets."""

from local.stripe.errors import StripeError
from local.stripe.spec.document import LEGACY

# The version that stripe 16.1.0 pins; also what a new account's events are written in.
DEFAULT = "2026-10-28.endive"
KNOWN = {
    "2026-03-25.dahlia": "dahlia",
    "2026-08-26.dahlia": "dahlia",
    "2026-09-30.endive": "endive",
    DEFAULT: "endive",
}


def release_of(header: str | None) -> str:
    """`dahlia` or `endive`; `legacy` when no version was sent, as Stripe's CLI does.

    Stripe answers such a request in the account's own version. Ours is an account that has
    never upgraded: it still takes the parameters that the overlay lists.
    """
    if header is None:
        return LEGACY
    if header not in KNOWN:
        raise StripeError(
            400,
            f"Invalid Stripe API version: {header}. You can view your current version and"
            " learn how to upgrade at https://stripe.com/docs/api/versioning. This stand-in knows "
            + ", ".join(KNOWN),
            stored=False,
        )
    return KNOWN[header]
