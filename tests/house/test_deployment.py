"""What is written is deployed, and the other way round: functions, settings, routes, alarms."""

import ast
import importlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from bench.settings import ENVIRONMENT
from tests.house.imports import environment_of
from tests.house.tree import ROOT, parsed, python_files
from tests.infra.templates import Assembly

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
# Powertools reads these itself; Lambda and the embedded AWS set nothing else that starts so.
POWERTOOLS = "POWERTOOLS_"
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\Z")


def deployed(prod: Assembly) -> dict[str, dict[str, Any]]:
    """Properties of each function by its folder."""
    return {
        properties["Handler"].partition(".")[0]: properties
        for properties in prod.resources("AWS::Lambda::Function").values()
    }


def variables_read(tree: ast.AST) -> set[str]:
    """Every text of a wiring.py that is a variable's name: that is how each of them is read."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and VARIABLE.match(node.value)
    }


def test_every_folder_of_functions_is_deployed_and_nothing_else(prod: Assembly) -> None:
    assert sorted(deployed(prod)) == FUNCTIONS
    assert {p["Handler"] for p in deployed(prod).values()} == {
        f"{f}.handler.handle" for f in FUNCTIONS
    }


def test_every_folder_of_functions_is_a_function() -> None:
    folders = {path.relative_to(ROOT / "functions").parts[0] for path in python_files("functions")}
    assert sorted(folders) == FUNCTIONS


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_every_variable_is_set_and_none_is_set_unread(prod: Assembly, folder: str) -> None:
    read = variables_read(parsed(ROOT / "functions" / folder / "wiring.py"))
    set_here = environment_of(prod, folder)
    assert read - set_here.keys() == set()
    assert {name for name in set_here.keys() - read if not name.startswith(POWERTOOLS)} == set()


@pytest.mark.parametrize("folder", FUNCTIONS)
def test_the_benchmark_sets_what_is_read(folder: str) -> None:
    read = variables_read(parsed(ROOT / "functions" / folder / "wiring.py"))
    assert read - ENVIRONMENT.keys() == set()


def test_each_way_of_reading_a_variable_would_be_found() -> None:
    tree = ast.parse(
        "a = os.environ['QUEUE_URL']\nb = os.environ.get('STAGE', 'x')\nc = numbers('DELAYS')\n"
        "d = 'a sentence WITH_CAPITALS'"
    )
    assert variables_read(tree) == {"QUEUE_URL", "STAGE", "DELAYS"}


def documented_routes(document: Mapping[str, Any]) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }


def test_every_route_is_in_the_openapi_document_and_the_other_way_round(
    prod: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(prod, "payments_api").items():
        monkeypatch.setenv(name, value)
    app = importlib.import_module("payments_api.application").app
    document = importlib.import_module("payments_api.routes.document").document_of(app)
    routes = {p["RouteKey"] for p in prod.resources("AWS::ApiGatewayV2::Route").values()}
    assert documented_routes(document) == routes


# --- queues ---------------------------------------------------------------------------------------


def queues_without_dead_letters(queues: Mapping[str, dict[str, Any]]) -> set[str]:
    targets = dead_letter_queues(queues)
    return {
        name
        for name, queue in queues.items()
        if name not in targets and "RedrivePolicy" not in queue
    }


def failure_destinations(prod: Assembly) -> set[str]:
    """Queues that hold what an event source gave up: dead letters of a stream."""
    return {
        mapping["DestinationConfig"]["OnFailure"]["Destination"].removesuffix(".Arn")
        for mapping in prod.resources("AWS::Lambda::EventSourceMapping").values()
        if "DestinationConfig" in mapping
    }


def dead_letter_queues(queues: Mapping[str, dict[str, Any]]) -> set[str]:
    return {
        queue["RedrivePolicy"]["deadLetterTargetArn"].removesuffix(".Arn")
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }


def test_every_queue_has_dead_letters_and_an_alarm_on_them(prod: Assembly) -> None:
    queues, given_up = prod.resources("AWS::SQS::Queue"), failure_destinations(prod)
    assert queues_without_dead_letters(queues) == given_up
    watched = {
        dimension["Value"].removesuffix(".QueueName")
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm["Threshold"] == 1
        for dimension in alarm["Dimensions"]
    }
    assert dead_letter_queues(queues) | given_up <= watched
    assert dead_letter_queues(queues) <= queues.keys()


def test_a_queue_without_dead_letters_would_be_found() -> None:
    queues = {"a": {"RedrivePolicy": {"deadLetterTargetArn": "b.Arn"}}, "b": {}, "c": {}}
    assert queues_without_dead_letters(queues) == {"c"}


# Which function reads which queue.
READERS = {
    "paidonce-prod-stripe-events": "apply_event",
    "paidonce-prod-stripe-operations": "run_operation",
    "paidonce-prod-notices": "notify",
    "paidonce-prod-fraud-warnings": "answer_fraud_warning",
}


def too_short(queues: Mapping[str, dict[str, Any]], readers: Mapping[str, int]) -> set[str]:
    """Queues whose messages come again while six attempts of their function could still run."""
    return {
        name for name, timeout in readers.items() if queues[name]["VisibilityTimeout"] < 6 * timeout
    }


def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_take(prod: Assembly) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""
    readers = {}
    for mapping in prod.resources("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if mapping["EventSourceArn"].endswith(".StreamArn"):
            continue
        queue = mapping["EventSourceArn"].removesuffix(".Arn")
        folder = READERS[queue]
        assert folder.replace("_", "") in str(mapping["FunctionName"])
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        readers[queue] = deployed(prod)[folder]["Timeout"] + window
    assert readers.keys() == READERS.keys()
    assert too_short(prod.resources("AWS::SQS::Queue"), readers) == set()
    assert too_short({"a": {"VisibilityTimeout": 59}}, {"a": 10}) == {"a"}


# --- alarms ---------------------------------------------------------------------------------------


def headings(text: str) -> set[str]:
    return {match[1].strip().strip("`") for match in re.finditer(r"^#+ (.+)$", text, re.MULTILINE)}


def alarm_names(prod: Assembly) -> set[str]:
    alarms = prod.resources("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"].removeprefix("paidonce-prod-") for alarm in alarms}


def test_every_alarm_has_a_heading_in_the_runbook(prod: Assembly) -> None:
    runbook = headings((ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"))
    assert alarm_names(prod) - runbook == set()
    assert len(alarm_names(prod)) > 5


def test_every_alarm_tells_somebody_and_where_to_read(prod: Assembly) -> None:
    for alarm in prod.resources("AWS::CloudWatch::Alarm").values():
        name = alarm["AlarmName"].removeprefix("paidonce-prod-")
        assert f"docs/runbook.md#{name}" in alarm["AlarmDescription"]
        assert alarm["AlarmActions"]


def texts_of(paths: Iterable[Any]) -> set[str]:
    return {
        node.value
        for path in paths
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def metrics_of(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The one that it is about, or those of its arithmetic."""
    if "MetricName" in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def test_every_metric_of_ours_that_an_alarm_watches_is_counted_somewhere(prod: Assembly) -> None:
    """By its whole name: an alarm on a name that nobody writes stays silent for ever."""
    watched = {
        metric["MetricName"]
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(alarm)
        if metric["Namespace"] == "PaidOnce"
    }
    assert watched - texts_of(python_files("layers", "functions")) == set()
    assert "SignatureRefused" in watched
