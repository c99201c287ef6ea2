"""The alarms about Stripe not doing what we ask of it."""

from infra.stacks.watch import FIVE_MINUTES, OF_STRIPE, everywhere

STRIPE_ALARMS = (
    *everywhere(
        "invalid-request",
        "Stripe calls our request invalid: a bug, it never passes.",
        "InvalidRequest",
        pages=False,
    ),
    *everywhere(
        "key-refused", "Stripe does not accept the key (401).", "StripeKeyRefused", pages=True
    ),
    *everywhere(
        "breaker-open",
        "nothing is asked of Stripe: it refused the key (401).",
        "BreakerOpen",
        pages=True,
    ),
    *everywhere(
        "permission-denied",
        "the key lacks a permission (403).",
        "StripePermissionDenied",
        pages=True,
    ),
    # One now and then is tried again and costs nobody anything.
    *everywhere(
        "stripe-throttles",
        "Stripe answers 429: more is asked than it allows.",
        "StripeThrottled",
        pages=False,
        folders=(*OF_STRIPE, ("reconcile", "reconcile")),
        period=FIVE_MINUTES,
        at_least=lambda stage: stage.alarms.stripe_throttles,
    ),
)
