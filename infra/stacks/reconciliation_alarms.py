"""The alarms about what was lost on the way, or differs from what Stripe holds."""

from infra.stacks.watch import HOUR, Watch, counted

_FOLDER = "reconcile"
# An hourly window of the reconciler, an hour of patience, and the time until it runs again.
_BEHIND_SECONDS = 6 * 3600

RECONCILIATION_ALARMS = (
    Watch(
        name="silence",
        says="Stripe made events for an hour and none of them arrived: it does not deliver to us.",
        metric=counted("Silence", _FOLDER),
    ),
    Watch(
        name="endpoint-disabled",
        says="Stripe has disabled a webhook endpoint of this stage and delivers nothing to it.",
        metric=counted("EndpointsDisabled", _FOLDER),
    ),
    Watch(
        name="events-missed",
        says="Events never arrived; reconcile has queued them, so nothing is lost. Why?",
        metric=counted("MissingEventsQueued", _FOLDER),
    ),
    Watch(
        name="drift",
        says="A row says something else than Stripe; reconcile has it read again.",
        metric=counted("Drift", _FOLDER),
    ),
    Watch(
        name="unreconciled",
        says="Stripe's events are not looked through any more; it lists them for 30 days only.",
        metric=counted("UnreconciledSeconds", _FOLDER, period=HOUR, statistic="Maximum"),
        at_least=lambda _stage: _BEHIND_SECONDS,
    ),
)
