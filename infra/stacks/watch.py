"""One alarm as a value, and the metrics that alarms are about."""

import dataclasses
from collections.abc import Callable

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from infra.blocks.function import HouseFunction
from infra.stacks.service import Service
from infra.stage import Stage

NAMESPACE = "PaidOnce"
MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
QUARTER_HOUR = Duration.minutes(15)
HOUR = Duration.hours(1)
# Lambda repeats a call of a schedule twice: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
TRIES_OF_A_CALL = 3
# Who answers about intents, and who else calls Stripe, by the short names of their alarms.
OF_INTENTS = (
    ("api", "payments_api"),
    ("worker", "apply_event"),
    ("operations", "run_operation"),
)
OF_STRIPE = (*OF_INTENTS, ("refunds", "refunds_api"))

Metric = Callable[[Service], cloudwatch.IMetric]
WhenMissing = Callable[[Stage], cloudwatch.TreatMissingData]


def is_quiet(_stage: Stage) -> cloudwatch.TreatMissingData:
    """No traffic is no trouble: for what is counted when it happens."""
    return cloudwatch.TreatMissingData.NOT_BREACHING


def as_before(_stage: Stage) -> cloudwatch.TreatMissingData:
    """Nobody has looked, so it still is as it was: for what lies somewhere until it is seen to.

    SQS tells nothing about a queue that nobody has touched for six hours, whatever lies in it.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
    """
    return cloudwatch.TreatMissingData.IGNORE


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watch:
    """One alarm: the metric reaches the threshold in one of its periods.

    `pages`: somebody has to be woken; what can wait until tomorrow does not.
    """

    name: str
    pages: bool
    says: str
    metric: Metric
    at_least: Callable[[Stage], int] = lambda _stage: 1
    when_missing: WhenMissing = is_quiet


def counted(name: str, folder: str, *, period: Duration = MINUTE, statistic: str = "Sum") -> Metric:
    """A metric that a function of ours counts: Powertools adds `service`, we add `stage`."""

    def metric(service: Service) -> cloudwatch.IMetric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": folder, "stage": service.stage_settings.name},
            statistic=statistic,
            period=period,
        )

    return metric


def errors(of: Callable[[Service], HouseFunction]) -> Metric:
    """What a function did not return from: raised, ran out of time, was killed."""
    return lambda service: of(service).function.metric_errors(period=FIVE_MINUTES)


def throttles(of: Callable[[Service], HouseFunction]) -> Metric:
    """Calls that Lambda refused: the account's concurrency is used up."""
    return lambda service: of(service).function.metric_throttles(period=FIVE_MINUTES)


def lying(of: Callable[[Service], sqs.IQueue]) -> Metric:
    """How many messages lie in a queue."""
    return lambda service: of(service).metric_approximate_number_of_messages_visible(
        period=MINUTE, statistic="Maximum"
    )


def oldest(of: Callable[[Service], sqs.IQueue]) -> Metric:
    """How long the oldest message of a queue has been there, in seconds."""
    return lambda service: of(service).metric_approximate_age_of_oldest_message(
        period=MINUTE, statistic="Maximum"
    )


def everywhere(
    name: str,
    says: str,
    metric: str,
    *,
    pages: bool,
    folders: tuple[tuple[str, str], ...] = OF_STRIPE,
    period: Duration = MINUTE,
    at_least: Callable[[Stage], int] = lambda _stage: 1,
) -> tuple[Watch, ...]:
    """The same matter for each function that can meet it: `service` tells them apart."""
    return tuple(
        Watch(
            name=f"{name}-{short}",
            pages=pages,
            says=f"{folder}: {says}",
            metric=counted(metric, folder, period=period),
            at_least=at_least,
        )
        for short, folder in folders
    )
