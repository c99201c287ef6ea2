"""The entrance: changes of the ledger's stream in, the first one that must come again out."""

from collections.abc import Mapping
from typing import Any

from publish_changes import wiring


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's handler for a DynamoDB stream that takes ReportBatchItemFailures.

    Lambda goes on from the lowest sequence number that failed; what was published after it is
    published again, under the same ids.
    Shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    changes = [record["dynamodb"] for record in event["Records"]]
    with wiring.invocation(context) as publish_changes:
        rows = {change["SequenceNumber"]: wiring.row_of(change["NewImage"]) for change in changes}
        failed = publish_changes([row for row in rows.values() if row])
    return {
        "batchItemFailures": [
            {"itemIdentifier": number}
            for number, row in rows.items()
            if row is None or row.event_id in failed
        ]
    }
