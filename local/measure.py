"""What payments and events take of AWS, counted on the running local cloud: `make measure`.

Two phases, so that either can be charged alone: payments are taken while Stripe holds its webhooks
back; then its webhooks come, two at a time. Writes ops/measured.json, for `paidonce cost`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from local.cloud import LocalCloud
from local.servers import CHECKOUT
from local.shop import Shop

PAYMENTS = 20
FILE = CHECKOUT / "ops" / "measured.json"
# What CloudWatch Logs adds to each line: https://aws.amazon.com/cloudwatch/pricing/
_LINE_BYTES = 26
# More would wait for each other on a laptop, and their milliseconds would be no work's.
_AT_ONCE = 2


class Meter:
    """Everything that is counted, as it stands now."""

    def __init__(self, cloud: LocalCloud, shop: Shop) -> None:
        self._cloud = cloud
        self._shop = shop
        self._began = datetime.now(UTC) - timedelta(hours=1)

    def reading(self) -> dict[str, Any]:
        """Counts since the cloud was started, flat: `what name` → number."""
        found: dict[str, float] = {f"call {k}": v for k, v in self._cloud.calls().items()}
        found |= {f"units {k}": v for k, v in self._cloud.dynamodb_units().items()}
        told = (json.loads(row.get("domain_events", "[]")) for row in _ledger(self._shop))
        found["domain events"] = sum(map(len, told))
        api = self._shop.endpoints["outputs"]["ApiId"]
        found["http requests"] = self._sum("AWS/ApiGateway", "Count", ApiId=api)
        for name in self.functions:
            for metric in ("Invocations", "Duration"):
                value = self._sum("AWS/Lambda", metric, FunctionName=name)
                found[f"{metric.lower()} {name}"] = value
            found["log bytes"] = found.get("log bytes", 0) + self._log_bytes(name)
        return found

    @property
    def functions(self) -> Mapping[str, int]:
        """Each function and its memory in MB."""
        listed = self._shop.client("lambda").list_functions()["Functions"]
        return {one["FunctionName"]: one["MemorySize"] for one in listed}

    def _sum(self, namespace: str, name: str, **dimensions: str) -> float:
        answer = self._shop.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=self._began,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    def _log_bytes(self, function: str) -> int:
        pages = self._shop.client("logs").get_paginator("filter_log_events")
        group = f"/aws/lambda/{function}"
        return sum(
            len(event["message"].encode()) + _LINE_BYTES
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        )


def measure(cloud: LocalCloud, payments: int = PAYMENTS) -> dict[str, Any]:
    """Take payments, then let their webhooks come; what each phase took. Raises NeverHappened."""
    shop = Shop(cloud.endpoints)
    meter = Meter(cloud, shop)
    # Containers that are warm, as they are under traffic.
    _quiet(shop, paid=[_paid(shop)[0]])
    shop.control("POST", "deliveries", {"hold": True})
    try:
        before = meter.reading()
        taken = dict(_paid(shop) for _ in range(payments))
        between = meter.reading()
        accepted = _accepted(shop)
        _deliver(shop, taken)
    finally:
        shop.control("POST", "deliveries", {})
        shop.control("POST", "deliveries/release", {"order": "forward", "copies": 1})
    _quiet(shop, paid=list(taken))
    after = meter.reading()
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "payments": payments,
        "events": _accepted(shop) - accepted,
        "secret_cache_seconds": cloud.settings.worker.secret_cache_seconds,
        "memory_mb": dict(meter.functions),
        "taking": _between(before, between),
        "deciding": _between(between, after),
    }


def _paid(shop: Shop) -> tuple[str, str]:
    """A payment and its intent, which is paid."""
    payment = shop.new_payment(user_id="user-7")
    shop.confirm(payment["payment_intent_id"])
    return payment["id"], payment["payment_intent_id"]


def _deliver(shop: Shop, taken: Mapping[str, str]) -> None:
    """Let the webhooks of these payments come, no more at once than this machine can work on."""
    intents = set(taken.values())
    found = shop.stripe.v1.events.list({"limit": 100}).auto_paging_iter()
    events = [event.id for event in found if event.data.object["id"] in intents]
    for start in range(0, len(events), _AT_ONCE):
        some = events[start : start + _AT_ONCE]
        wanted = _accepted(shop) + len(some)
        shop.control("POST", "deliveries/release", {"order": some, "copies": 1})
        shop.until(lambda: _accepted(shop) >= wanted, what="some webhooks are accepted")  # noqa: B023 - asked before the next round


def _ledger(shop: Shop) -> Iterator[dict[str, Any]]:
    return shop.rows("EventsTableName")


def _accepted(shop: Shop) -> int:
    return sum(one["status"] == 200 for one in shop.control("GET", "deliveries")["data"])  # noqa: PLR2004 - HTTP's OK


def _quiet(shop: Shop, *, paid: Sequence[str]) -> None:
    """These are paid, nothing is queued, and the bus has heard of everything.

    Looked at by scans and depths, which no product code does and nothing here counts.
    """

    def are_paid() -> bool:
        status = {row["id"]: row.get("status") for row in shop.rows("PaymentsTableName")}
        return all(status.get(payment_id) == "paid" for payment_id in paid)

    shop.until(are_paid, what="all are paid")
    outputs = shop.endpoints["outputs"]
    queues = [n for n in outputs if n.endswith("QueueUrl") and "DeadLetter" not in n]
    shop.until(lambda: not any(shop.queue_depth(name) for name in queues), what="empty queues")
    shop.until(
        lambda: not any("todo" in row for row in _ledger(shop)),
        what="the bus has heard of everything",
    )
    shop.until(lambda: not any(shop.queue_depth(name) for name in queues), what="empty queues")


def _between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    grown = {name: round(value - before.get(name, 0), 1) for name, value in after.items()}
    return {name: value for name, value in sorted(grown.items()) if value}


if __name__ == "__main__":
    FILE.write_text(json.dumps(measure(LocalCloud()), indent=2) + "\n", encoding="utf-8")
