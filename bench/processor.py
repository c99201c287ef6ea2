"""The processor's CPU per event, against AWS's answers from another process; prints a JSON line."""

import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from apply_event.handler import handle

WARM_UP, BATCHES = 5, 60
NOW = int(time.time())


@dataclass
class Context:
    """Lambda's context, as far as the processor and Powertools look at it."""

    aws_request_id: str = "5f0a3c2e-7d1b-4b57-9f5e-0c8a4f6d2b11"
    function_name: str = "paidonce-bench-apply-event"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = (
        "arn:aws:lambda:us-east-1:123456789012:function:paidonce-bench-apply-event"
    )
    ends_at: float = field(default_factory=lambda: time.monotonic() + 900)

    def get_remaining_time_in_millis(self) -> int:
        """Time enough."""
        return int((self.ends_at - time.monotonic()) * 1000)


def record(template: str, n: int) -> dict[str, Any]:
    """The n-th event as SQS hands it over: its own event, payment and intent."""
    attributes = {
        "event_id": f"evt_{n}",
        "event_type": "payment_intent.succeeded",
        "livemode": "false",
        "api_version": "2026-10-28.endive",
        "correlation_id": f"corr-{n}",
        "received_at": "2026-11-22T11:24:00.000Z",
    }
    return {
        "messageId": f"message-{n}",
        "receiptHandle": f"receipt-{n}",
        "body": template.replace("NUMBER", str(n)),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": f"{NOW}000"},
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
        },
        "eventSource": "aws:sqs",
    }


def measure(template: str, *, batch: int, first: int) -> dict[str, float]:
    """CPU and wall time of one event, in batches of this size."""
    batches = [
        {"Records": [record(template, first + b * batch + n) for n in range(batch)]}
        for b in range(WARM_UP + BATCHES)
    ]
    context = Context()
    failed = 0
    for event in batches[:WARM_UP]:
        handle(event, context)
    cpu, wall = time.process_time(), time.perf_counter()
    for event in batches[WARM_UP:]:
        failed += len(handle(event, context)["batchItemFailures"])
    events = BATCHES * batch
    return {
        "batch": batch,
        "events": events,
        "failed": failed,
        "cpu": (time.process_time() - cpu) / events,
        "wall": (time.perf_counter() - wall) / events,
    }


def main() -> None:
    """Whole batches, and events that come alone."""
    template = sys.argv[1]
    found = [measure(template, batch=10, first=0), measure(template, batch=1, first=1_000_000)]
    print(json.dumps(found))


main()
