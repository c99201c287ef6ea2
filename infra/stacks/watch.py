"""One alarm as a value, and the metrics that alarms are about."""

import dataclasses
from collections.abc import Callable

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.blocks.function import HouseFunction
from infra.stacks.service import Service
from infra.stage import Stage

NAMESPACE = "PaidOnce"
MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)
# Lambda repeats a call of a schedule twice: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
TRIES_OF_A_CALL = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watch:
    """One alarm: the metric reaches the threshold in one of its periods."""

    name: str
    says: str
    metric: Callable[[Service], cloudwatch.IMetric]
    at_least: Callable[[Stage], int] = lambda _stage: 1


def counted(
    name: str, folder: str, *, period: Duration = MINUTE, statistic: str = "Sum"
) -> Callable[[Service], cloudwatch.IMetric]:
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


def errors(of: Callable[[Service], HouseFunction]) -> Callable[[Service], cloudwatch.IMetric]:
    """What a function did not return from: raised, ran out of time, was killed."""
    return lambda service: of(service).function.metric_errors(period=FIVE_MINUTES)
