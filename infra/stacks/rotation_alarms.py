"""The alarms about secrets that rotate, and about what has to be done before an old one goes."""

from infra.stacks.watch import HOUR, TRIES_OF_A_CALL, Watch, counted, errors

ROTATION_ALARMS = (
    Watch(
        name="rotation-failed",
        pages=False,
        says="A secret could not be rotated: the old one stays, and is valid.",
        # It raises for Secrets Manager whenever a step is not done; this sees timeouts too.
        metric=errors(lambda service: service.rotation.rotate_secret),
    ),
    Watch(
        name="new-key-refused",
        pages=False,
        says="A restricted key was not put in use: it may do too much or too little, or is wrong.",
        metric=counted("NewKeyRefused", "rotate_secret"),
    ),
    Watch(
        name="key-too-old",
        pages=False,
        says="A restricted key is older than the stage allows: make a new one.",
        metric=counted("KeyTooOld", "rotate_secret"),
    ),
    Watch(
        name="rotation-overdue",
        pages=False,
        says="A signing secret is too old, or an endpoint that was replaced is still there.",
        metric=counted("RotationOverdue", "retire_endpoints", period=HOUR),
    ),
    Watch(
        name="successor-missing",
        pages=False,
        says="An endpoint is not retired: Stripe does not deliver to the one after it.",
        metric=counted("SuccessorMissing", "retire_endpoints", period=HOUR),
    ),
    Watch(
        name="retirement-errors",
        pages=False,
        says="retire_endpoints fails again and again.",
        metric=lambda service: service.rotation.retire_endpoints.function.metric_errors(
            period=HOUR
        ),
        at_least=lambda _stage: TRIES_OF_A_CALL,
    ),
    Watch(
        name="reconcile-errors",
        pages=False,
        says="reconcile fails again and again: what never reached us is not looked for.",
        metric=lambda service: service.reconciliation.reconcile.function.metric_errors(period=HOUR),
        at_least=lambda _stage: TRIES_OF_A_CALL,
    ),
)
