"""What a stage costs: what was counted on the local cloud, times AWS's list prices."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.errors import OpsError

HERE = Path(__file__).parent
MEASURED = HERE / "measured.json"
_MILLION = 1_000_000
_GB = 1024**3
_MB_IN_GB = 1024
# Functions that a queue calls: Lambda's poller receives and deletes for each invocation.
_OF_A_QUEUE = ("apply-event", "run-operation", "notify", "answer-fraud-warning")
# Beginnings of the calls that functions make; who measures asks for depths.
_SQS_WORK = ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
# EventBridge puts each message of these queues there, which is a request too.
_OF_THE_BUS = ("notify", "answer-fraud-warning")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the bill: how many of what, and the dollars."""

    service: str
    what: str
    count: float
    dollars: float


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The price table."""

    date: str
    source: str
    each_million: Mapping[str, float]
    each: Mapping[str, float]
    each_month: Mapping[str, float]
    assumed: Mapping[str, int]

    def of(self, service: str, what: str, count: float, price: str) -> Line:
        """So many requests of one kind."""
        dollars = count * self.each_million[price] / _MILLION
        return Line(service=service, what=what, count=count, dollars=dollars)


def prices() -> Prices:
    """The table of this checkout; raises OpsError."""
    return Prices(**_document(HERE / "prices.toml"))


def measured(file: Path = MEASURED) -> Mapping[str, Any]:
    """What `make measure` counted, the last time unless a file is named; raises OpsError."""
    counts: Mapping[str, Any] = _document(file)
    return counts


def _document(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise OpsError(f"{file} cannot be read: `make measure` makes the counts.") from error


def per_million_events(counts: Mapping[str, Any], table: Prices) -> list[Line]:
    """From Stripe's webhook to the bus and its consumers."""
    return _scaled(counts["deciding"], counts, table, by=_MILLION / counts["events"])


def per_thousand_payments(counts: Mapping[str, Any], table: Prices) -> list[Line]:
    """The API's part, and the events of those payments."""
    names = {*counts["taking"], *counts["deciding"]}
    both = {n: counts["taking"].get(n, 0) + counts["deciding"].get(n, 0) for n in names}
    return _scaled(both, counts, table, by=1000 / counts["payments"])


def per_month(table: Prices) -> list[Line]:
    """What is to be paid without any traffic."""
    assumed, month = table.assumed, table.each_month
    polls = assumed["queues_polled"] * assumed["polls_of_a_queue"]
    return [
        Line(service="KMS", what="key", count=1, dollars=month["kms_key"]),
        Line(
            service="Secrets Manager",
            what="secrets",
            count=assumed["secrets"],
            dollars=assumed["secrets"] * month["secret"],
        ),
        Line(
            service="CloudWatch",
            what="alarms",
            count=assumed["alarms"],
            dollars=assumed["alarms"] * month["alarm"],
        ),
        Line(
            service="CloudWatch",
            what="composite alarms",
            count=assumed["composite_alarms"],
            dollars=assumed["composite_alarms"] * month["composite_alarm"],
        ),
        table.of("SQS", "polls of Lambda", polls, "sqs_request"),
    ]


def _scaled(
    phase: Mapping[str, float], counts: Mapping[str, Any], table: Prices, *, by: float
) -> list[Line]:
    grown = {name: value * by for name, value in phase.items()}
    # A laptop's stage reads its secrets anew oftener than one on AWS.
    seldom = counts["secret_cache_seconds"] / table.assumed["secret_cache_seconds"]
    grown["secret reads"] = grown.get("call secretsmanager.GetSecretValue", 0) * seldom
    return list(_lines(grown, counts["memory_mb"], table))


def _lines(
    phase: Mapping[str, float], memory_mb: Mapping[str, int], table: Prices
) -> Iterator[Line]:
    yield table.of("API Gateway", "requests", phase.get("http requests", 0), "http_request")
    called = sum(_each(phase, "invocations ").values())
    yield table.of("Lambda", "invocations", called, "lambda_request")
    seconds = sum(
        milliseconds / 1000 * memory_mb[name] / _MB_IN_GB
        for name, milliseconds in _each(phase, "duration ").items()
    )
    price = table.each["lambda_gb_second"]
    yield Line(service="Lambda", what="GB-seconds", count=seconds, dollars=seconds * price)
    yield table.of("SQS", "requests", _sqs_requests(phase), "sqs_request")
    for unit, what in (
        ("read", "reads"),
        ("write", "writes"),
        ("index_write", "writes of its two indexes"),
    ):
        kind = "dynamodb_read" if unit == "read" else "dynamodb_write"
        yield table.of("DynamoDB", what, phase.get(f"units {unit}", 0), kind)
    yield Line(service="DynamoDB", what="stream, read by Lambda", count=0, dollars=0)
    reads = phase.get("secret reads", 0)
    yield table.of("Secrets Manager", "secret reads", reads, "secret_read")
    yield table.of("KMS", "decryptions of secrets", reads, "kms_request")
    told = phase.get("domain events", 0)
    yield table.of("EventBridge", "domain events", told, "domain_event")
    gigabytes = phase.get("log bytes", 0) / _GB
    dollars = gigabytes * table.each["log_gb"]
    yield Line(service="CloudWatch", what="GB of logs", count=gigabytes, dollars=dollars)


def _each(phase: Mapping[str, float], kind: str) -> dict[str, float]:
    return {n.removeprefix(kind): value for n, value in phase.items() if n.startswith(kind)}


def _sqs_requests(phase: Mapping[str, float]) -> float:
    calls = _each(phase, "call AmazonSQS.")
    asked = sum(count for name, count in calls.items() if name.startswith(_SQS_WORK))
    for name, count in _each(phase, "invocations ").items():
        asked += 2 * count if name.endswith(_OF_A_QUEUE) else 0
        asked += count if name.endswith(_OF_THE_BUS) else 0
    return asked
