"""Questions to the logs that an operator asks again and again, saved under the stage's name."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.blocks.function import HouseFunction
from infra.stage import Stage

_LINE = "fields @timestamp, service, level, message"
# What an operator pastes an id over.
_CORRELATION, _PAYMENT = "PASTE-ITS-ID", "pay_PASTE"
# Stripe answers most calls within half a second; one that takes two makes a shopper wait.
_SLOW_MS = 2000

QUERIES = {
    "one correlation id": (
        f"{_LINE}, event_id, payment_id, aggregate_id, domain_event_id, stripe_request_id, outcome"
        f"\n| filter correlation_id = '{_CORRELATION}'"
        "\n| sort @timestamp asc\n| limit 1000"
    ),
    # Its id is also in idempotency keys and in the ids of its domain events; lines without it are
    # found by the correlation ids of those with it.
    "one payment": (
        f"{_LINE}, event_id, event_type, outcome, reason, idempotency_key, stripe_request_id"
        ", correlation_id"
        f"\n| filter @message like '{_PAYMENT}'"
        "\n| sort @timestamp asc\n| limit 1000"
    ),
    "errors by class": (
        "filter level = 'ERROR'"
        "\n| stats count(*) as errors, latest(@timestamp) as last"
        " by service, message, error_class, error_place"
        "\n| sort errors desc"
    ),
    "slow calls of Stripe": (
        "fields @timestamp, service, method, path, status, duration_ms, attempt, stripe_request_id"
        f"\n| filter message = 'stripe call' and duration_ms > {_SLOW_MS}"
        "\n| sort duration_ms desc\n| limit 200"
    ),
}


def save_queries(scope: Construct, *, stage: Stage, functions: list[HouseFunction]) -> None:
    """Each over the logs of all functions, in a folder of the stage."""
    for name, query in QUERIES.items():
        logs.CfnQueryDefinition(
            scope,
            name.title().replace(" ", ""),
            name=f"{stage.named('logs')}/{name}",
            query_string=query,
            log_group_names=[function.logs.log_group_name for function in functions],
        )
