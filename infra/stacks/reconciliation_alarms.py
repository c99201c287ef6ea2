"""The alarms about what was lost on the way, or differs from what Stripe holds."""

from aws_cdk import aws_cloudwatch as cloudwatch

from infra.settings import DAY_SECONDS
from infra.stacks.watch import HOUR, QUARTER_HOUR, Watch, as_before, counted
from infra.stage import Stage

_FOLDER = "reconcile"
# An hourly window of the reconciler, an hour of patience, and the time until it runs again.
_BEHIND_SECONDS = 6 * 3600
# Before the message of a dead row is gone, there has to be time to find and mend the cause.
_DAYS_TO_MEND = 4


def _nearly_gone(stage: Stage) -> int:
    return max(1, stage.retention.dead_letter_days - _DAYS_TO_MEND) * DAY_SECONDS


def _must_run(stage: Stage) -> cloudwatch.TreatMissingData:
    """Where it has a schedule of minutes, an hour without a word of it is the trouble itself."""
    if stage.alarms.reconcile_must_run:
        return cloudwatch.TreatMissingData.BREACHING
    return as_before(stage)


RECONCILIATION_ALARMS = (
    Watch(
        name="silence",
        pages=True,
        says="Stripe made events for an hour and none of them arrived: it does not deliver to us.",
        metric=counted("Silence", _FOLDER),
    ),
    Watch(
        name="endpoint-disabled",
        pages=True,
        says="Stripe has disabled a webhook endpoint of this stage and delivers nothing to it.",
        metric=counted("EndpointsDisabled", _FOLDER),
    ),
    Watch(
        name="events-missed",
        pages=False,
        says="Events never arrived; reconcile has queued them, so nothing is lost. Why?",
        metric=counted("MissingEventsQueued", _FOLDER),
    ),
    Watch(
        name="drift",
        pages=False,
        says="A row says something else than Stripe; reconcile has it read again.",
        metric=counted("Drift", _FOLDER),
    ),
    Watch(
        name="unreconciled",
        pages=False,
        says="Stripe's events are not looked through any more; it lists them for 30 days only.",
        metric=counted("UnreconciledSeconds", _FOLDER, period=HOUR, statistic="Maximum"),
        at_least=lambda _stage: _BEHIND_SECONDS,
        when_missing=_must_run,
    ),
    # Two gauges that each run writes: what is dead stays dead until somebody sees to it.
    Watch(
        name="dead-rows",
        pages=True,
        says="The ledger holds what was given up, until it is replayed or discarded.",
        metric=counted("DeadRows", _FOLDER, period=QUARTER_HOUR, statistic="Maximum"),
        when_missing=as_before,
    ),
    Watch(
        name="dead-rows-old",
        pages=True,
        says="What was given up is nearly gone from the dead letters: it has to be seen to now.",
        metric=counted("DeadRowsOldestSeconds", _FOLDER, period=QUARTER_HOUR, statistic="Maximum"),
        at_least=_nearly_gone,
        when_missing=as_before,
    ),
)
