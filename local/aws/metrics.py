"""Metrics that appear by themselves on AWS: EMF log lines, and those of Lambda, SQS and HTTP APIs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

# ruff: noqa: SLF001 - the patch points are ministack's private names; require_names checks them.

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

from ministack.core import responses
from ministack.services import apigateway, cloudwatch, lambda_svc, sqs

from local.aws.patching import Answer, JsonObject, replace

logger = logging.getLogger("paidonce.metrics")

Dimensions = dict[str, str]

# ministack keeps every point for two weeks: a load of an hour would fill the memory. Alarms look
# back a quarter of an hour.
KEPT_SECONDS = 1800.0
# More different values than come in a second need not be merged.
_LOOK_BACK_POINTS = 50

_emit_logs = lambda_svc._emit_lambda_logs
_execute = apigateway._handle_execute_in_scope


def install() -> None:
    """Listen where functions write their logs and where HTTP APIs answer."""
    replace(lambda_svc, "_emit_lambda_logs", emit_lambda_logs)
    replace(lambda_svc, "_emit_lambda_metrics", emit_lambda_metrics)
    replace(apigateway, "_handle_execute_in_scope", execute_http_api)


def record(
    namespace: str, name: str, value: float, dimensions: Dimensions, unit: str = "Count"
) -> None:
    """One value of one metric, now; equal ones of a second are one point with a count."""
    now = time.time()
    points = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    for point in reversed(points[-_LOOK_BACK_POINTS:]):
        if int(point["Timestamp"]) == int(now) and point["Value"] == value:
            point["Count"] = point.get("Count", 1.0) + 1.0
            return
    points.append(
        {"Timestamp": now, "Unit": unit, "Dimensions": dimensions, "Value": value, "Count": 1.0}
    )


def forget_old() -> None:
    """Drop the points that no alarm looks back to."""
    oldest = time.time() - KEPT_SECONDS
    for points in list(cloudwatch._metrics._data.values()):
        kept = next((i for i, point in enumerate(points) if point["Timestamp"] >= oldest), None)
        del points[: len(points) if kept is None else kept]


def emit_lambda_logs(
    function: JsonObject,
    request_id: str,
    log_text: str,
    error: bool,  # noqa: FBT001 - ministack passes it by position
    duration_ms: int,
    **options: object,
) -> None:
    """What ministack does with a function's output, then its metrics."""
    _emit_logs(function, request_id, log_text, error, duration_ms, **options)
    try:
        for dimensions in _function_dimensions(function.get("config") or function):
            record("AWS/Lambda", "Invocations", 1, dimensions)
            record("AWS/Lambda", "Errors", 1 if error else 0, dimensions)
            record("AWS/Lambda", "Duration", duration_ms, dimensions, "Milliseconds")
        for line in (log_text or "").splitlines():
            if '"_aws"' in line:
                _record_embedded(line)
    except Exception:
        # A metric that cannot be kept must not fail the invocation that it is about.
        logger.exception("Metrics of an invocation were lost.")


def emit_lambda_metrics(
    function_name: str, *, duration_ms: float, error: bool, throttle: bool
) -> None:
    """Ministack's own metrics of some invocations: only throttles, the rest is counted above."""
    del duration_ms, error
    if throttle:
        record("AWS/Lambda", "Throttles", 1, {"FunctionName": function_name})


def _function_dimensions(config: JsonObject) -> Iterator[Dimensions]:
    """The function as a whole, and each alias that points at the version that ran."""
    name = config["FunctionName"]
    yield {"FunctionName": name}
    aliases = (lambda_svc._functions.get(name) or {}).get("aliases") or {}
    for alias, target in aliases.items():
        if target.get("FunctionVersion") == config.get("Version"):
            yield {"FunctionName": name, "Resource": f"{name}:{alias}"}


def _record_embedded(line: str) -> None:
    """The metrics of one EMF line; like AWS, what is not well formed is passed over."""
    try:
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = {name: str(document[name]) for name in names}
                for metric in directive["Metrics"]:
                    value = document[metric["Name"]]
                    unit = metric.get("Unit", "None")
                    for one in value if isinstance(value, list) else [value]:
                        record(directive["Namespace"], metric["Name"], float(one), dimensions, unit)
    except (ValueError, KeyError, TypeError):
        logger.warning("An EMF line is not well formed: no metric of it is kept.")


async def execute_http_api(api_id: str, stage: str, *request: Any, **options: Any) -> Answer:
    """An HTTP API's request, counted and timed."""
    started = time.monotonic()
    answer: Answer = await _execute(api_id, stage, *request, **options)
    status = answer[0]
    milliseconds = round((time.monotonic() - started) * 1000)
    for dimensions in ({"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}):
        record("AWS/ApiGateway", "Count", 1, dimensions)
        record("AWS/ApiGateway", "4xx", 1 if 400 <= status < 500 else 0, dimensions)  # noqa: PLR2004 - HTTP's classes
        record("AWS/ApiGateway", "5xx", 1 if status >= 500 else 0, dimensions)  # noqa: PLR2004 - same
        record("AWS/ApiGateway", "Latency", milliseconds, dimensions, "Milliseconds")
    return answer


def record_queues() -> None:
    """The depth and age of each queue; AWS publishes them once a minute."""
    for scoped_key, queue in list(sqs._queues._data.items()):
        account, region = scoped_key[0], scoped_key[1]
        with responses.request_scope(account, region):
            _record_queue(queue)


def _record_queue(queue: JsonObject) -> None:
    # Only read, from a copy: the server's own thread moves messages meanwhile.
    messages = list(queue["messages"])
    now = time.time()
    visible = sum(1 for message in messages if message.get("visible_at", now) <= now)
    delayed = sum(
        1
        for message in messages
        if message.get("visible_at", now) > now and not message.get("receive_count")
    )
    oldest = max((now - message.get("sent_at", now) for message in messages), default=0.0)
    dimensions = {"QueueName": queue["attributes"]["QueueArn"].rsplit(":", 1)[-1]}
    record("AWS/SQS", "ApproximateNumberOfMessagesVisible", visible, dimensions)
    record("AWS/SQS", "ApproximateNumberOfMessagesDelayed", delayed, dimensions)
    record(
        "AWS/SQS",
        "ApproximateNumberOfMessagesNotVisible",
        len(messages) - visible - delayed,
        dimensions,
    )
    record("AWS/SQS", "ApproximateAgeOfOldestMessage", oldest, dimensions, "Seconds")
