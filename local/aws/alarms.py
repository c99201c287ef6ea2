"""CloudWatch's evaluation of alarms: dimensions, periods, missing data, metric math, and time.

ministack looks at an alarm only when a metric is put, at all dimensions together.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
Periods slide with the clock here; on AWS they are aligned to it.
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import logging
import operator
import threading
import time
from collections.abc import Callable

from ministack.core import responses
from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from local.aws import metric_math, metrics
from local.aws.patching import JsonObject, replace

logger = logging.getLogger("paidonce.alarms")

# AWS publishes a queue's metrics each minute and looks at an alarm as often; nobody waits for
# that on a laptop.
TICK_SECONDS = 5.0

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

_record_of = provisioners._cw_metric_alarm_record


def install() -> None:
    """Put the evaluation in place and let it run by the clock."""
    replace(provisioners, "_cw_metric_alarm_record", alarm_record)
    replace(cloudwatch, "_evaluate_alarm", evaluate)
    threading.Thread(target=_tick_for_ever, daemon=True, name="paidonce-alarms").start()


def alarm_record(name: str, properties: JsonObject) -> JsonObject:
    """The alarm that a template describes; ministack refuses one on metric math."""
    queries = properties.get("Metrics")
    if not queries:
        plain: JsonObject = _record_of(name, properties)
        return plain
    single = {key: value for key, value in properties.items() if key != "Metrics"}
    alarm: JsonObject = _record_of(name, {**single, "MetricName": "math", "Namespace": "math"})
    for key in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions"):
        del alarm[key]
    alarm["Period"] = metric_math.period_seconds(queries)
    alarm["Metrics"] = queries
    return alarm


def tick() -> None:
    """Publish what AWS publishes by the clock, then look at every alarm."""
    metrics.forget_old()
    metrics.record_queues()
    for account, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
        with responses.request_scope(account, region):
            cloudwatch._evaluate_all_alarms()


def evaluate(alarm: JsonObject) -> None:
    """Move the alarm to the state that its last periods ask for, and act on it."""
    values = list(_values(alarm))
    state = _state(alarm, values)
    before = alarm["StateValue"]
    if state == before:
        return
    shown = [value for value in values if value is not None]
    reason = (
        f"Threshold Crossed: {len(shown)} of {len(values)} periods have data {shown},"
        f" {alarm['ComparisonOperator']} {alarm['Threshold']}"
    )
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _state(alarm: JsonObject, values: list[float | None]) -> str:
    compare = COMPARISONS.get(alarm["ComparisonOperator"])
    if compare is None:
        # Anomaly detection needs two weeks of data: such an alarm stays as it is.
        return str(alarm["StateValue"])
    present = [value for value in values if value is not None]
    missing = len(values) - len(present)
    breaching = sum(1 for value in present if compare(value, alarm["Threshold"]))
    treatment = alarm.get("TreatMissingData") or "missing"
    if not present and treatment in {"missing", "ignore"}:
        return "INSUFFICIENT_DATA" if treatment == "missing" else str(alarm["StateValue"])
    if treatment == "breaching":
        breaching += missing
    needed = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    return "ALARM" if breaching >= needed else "OK"


def _values(alarm: JsonObject) -> list[float | None]:
    """The statistic of each period, newest last; None where nothing was recorded."""
    period = float(alarm.get("Period") or 60)
    now = time.time()
    ends = [now - period * back for back in reversed(range(int(alarm["EvaluationPeriods"])))]
    if alarm.get("Metrics"):
        return [metric_math.value(alarm["Metrics"], end - period, end) for end in ends]
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    return [
        metric_math.statistic(
            (alarm["Namespace"], alarm["MetricName"]), dimensions, statistic, end - period, end
        )
        for end in ends
    ]


def _tick_for_ever() -> None:
    while True:
        time.sleep(TICK_SECONDS)
        try:
            tick()
        except Exception:
            # The next tick may do better; the thread must not end.
            logger.exception("Alarms were not evaluated.")
