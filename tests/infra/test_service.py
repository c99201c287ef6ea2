"""What runs, and how it is bounded."""

import json
import re
from typing import Any

import pytest

from infra.blocks.logs import NAMED
from infra.features.strangers import NAME as STRANGERS
from infra.settings import LOG_DAYS
from tests.infra.templates import Assemblies, Assembly

OUTPUTS = {
    "ApiUrl",
    "WebhookUrl",
    "TokenUrl",
    "EventsQueueUrl",
    "EventsDeadLetterQueueUrl",
    "OperationsQueueUrl",
    "OperationsDeadLetterQueueUrl",
    "PaymentsTableName",
    "EventsTableName",
    "IdempotencyTableName",
    "SigningSecretArn",
    "PaymentsKeyArn",
    "RefundsKeyArn",
    "ReaderKeyArn",
    "EndpointsKeyArn",
    "AlarmTopicArn",
    "PagesTopicArn",
    "DashboardName",
    "EventBusName",
    "CustomerNoticesTopicArn",
    "BackOfficeTopicArn",
}


def test_the_outputs_that_tools_rely_on_are_there(prod: Assembly) -> None:
    assert set(prod.outputs()) >= OUTPUTS


def test_functions_are_built_for_the_stage(prod: Assembly) -> None:
    functions = prod.resources("AWS::Lambda::Function")
    assert set(functions) == {
        "paidonce-prod-receive-webhook",
        "paidonce-prod-apply-event",
        "paidonce-prod-payments-api",
        "paidonce-prod-refunds-api",
        "paidonce-prod-run-operation",
        "paidonce-prod-publish-changes",
        "paidonce-prod-rotate-secret",
        "paidonce-prod-notify",
        "paidonce-prod-answer-fraud-warning",
        "paidonce-prod-retire-endpoints",
        "paidonce-prod-reconcile",
    }
    for name, function in functions.items():
        folder = name.removeprefix("paidonce-prod-").replace("-", "_")
        assert function["Handler"] == f"{folder}.handler.handle"
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.14"
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{name}"
        assert len(function["Layers"]) == 2
        assert "SnapStart" not in function
        assert "ReservedConcurrentExecutions" not in function


def test_only_who_sends_to_its_own_queue_may_feed_itself(prod: Assembly) -> None:
    """What waits goes back to its own queue; Lambda would break that loop after 16 rounds."""
    loops = {
        name: function.get("RecursiveLoop")
        for name, function in prod.resources("AWS::Lambda::Function").items()
    }
    assert loops == {
        "paidonce-prod-receive-webhook": None,
        "paidonce-prod-apply-event": "Allow",
        "paidonce-prod-payments-api": None,
        "paidonce-prod-refunds-api": None,
        "paidonce-prod-run-operation": "Allow",
        "paidonce-prod-publish-changes": None,
        "paidonce-prod-rotate-secret": None,
        "paidonce-prod-notify": None,
        "paidonce-prod-answer-fraud-warning": None,
        "paidonce-prod-retire-endpoints": None,
        "paidonce-prod-reconcile": None,
    }


def test_a_function_carries_its_own_package_and_no_other(prod: Assembly) -> None:
    assets = json.loads((prod.folder / "PaidOnce-prod-service.assets.json").read_text())
    packages = [
        {path.name for path in (prod.folder / one["source"]["path"]).iterdir()}
        for one in assets["files"].values()
        if one["source"]["packaging"] == "zip"
    ]
    assert sorted(name for found in packages for name in found) == [
        "answer_fraud_warning",
        "apply_event",
        "notify",
        "payments_api",
        "publish_changes",
        "python",
        "python",
        "receive_webhook",
        "reconcile",
        "refunds_api",
        "retire_endpoints",
        "rotate_secret",
        "run_operation",
    ]
    for one in assets["files"].values():
        assert not list((prod.folder / one["source"]["path"]).rglob("__pycache__"))


def test_everything_is_called_by_its_alias(prod: Assembly) -> None:
    aliases = prod.whole("AWS::Lambda::Alias")
    assert {alias["Properties"]["Name"] for alias in aliases.values()} == {"live"}
    for integration in prod.resources("AWS::ApiGatewayV2::Integration").values():
        assert integration["IntegrationUri"] in aliases
        assert integration["PayloadFormatVersion"] == "2.0"
    sources = prod.resources("AWS::Lambda::EventSourceMapping").values()
    assert len(sources) == 5
    for source in sources:
        assert ":live" in json.dumps(source["FunctionName"])


def test_logs_are_kept_as_long_as_the_stage_says(assemblies: Assemblies) -> None:
    for name, days in (("prod", 90), ("local", 1)):
        groups = assemblies.of(name).resources("AWS::Logs::LogGroup")
        assert {group["RetentionInDays"] for group in groups.values()} == {days}
        assert len(groups) == len(assemblies.of(name).resources("AWS::Lambda::Function")) + 1
    assert set(NAMED) == set(LOG_DAYS)


def reader_of(assembly: Assembly, queue: str) -> dict[str, Any]:
    """The event source mapping of a queue."""
    sources = assembly.resources("AWS::Lambda::EventSourceMapping").values()
    arn = f"paidonce-{assembly.stage.name}-{queue}.Arn"
    (source,) = [source for source in sources if source["EventSourceArn"] == arn]
    return source


@pytest.mark.parametrize("name", ["prod", "local"])
def test_operations_are_bounded_and_have_dead_letters(assemblies: Assemblies, name: str) -> None:
    assembly = assemblies.of(name)
    queue = assembly.resources("AWS::SQS::Queue")[f"paidonce-{name}-stripe-operations"]
    runner = assembly.resources("AWS::Lambda::Function")[f"paidonce-{name}-run-operation"]
    variables = runner["Environment"]["Variables"]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": f"paidonce-{name}-stripe-operations-dead.Arn",
        "maxReceiveCount": 5,
    }
    assert queue["VisibilityTimeout"] >= 6 * runner["Timeout"]
    assert variables["LEASE_SECONDS"] == str(queue["VisibilityTimeout"])
    assert variables["TRIES_MAX"] == "5"
    # A key must be given up before Stripe forgets it, and before the operation is.
    assert int(variables["KEY_FRESH_SECONDS"]) < int(variables["GIVE_UP_AFTER_SECONDS"])
    source = reader_of(assembly, "stripe-operations")
    assert (source["BatchSize"], source["FunctionResponseTypes"]) == (
        1,
        ["ReportBatchItemFailures"],
    )


@pytest.mark.parametrize("name", ["prod", "local"])
def test_the_queue_is_bounded_and_has_dead_letters(assemblies: Assemblies, name: str) -> None:
    assembly = assemblies.of(name)
    queues = assembly.resources("AWS::SQS::Queue")
    events = queues[f"paidonce-{name}-stripe-events"]
    dead = queues[f"paidonce-{name}-stripe-events-dead"]
    worker = assembly.resources("AWS::Lambda::Function")[f"paidonce-{name}-apply-event"]
    source = reader_of(assembly, "stripe-events")
    assert events["RedrivePolicy"] == {
        "deadLetterTargetArn": f"paidonce-{name}-stripe-events-dead.Arn",
        "maxReceiveCount": 5,
    }
    assert events["VisibilityTimeout"] >= 6 * worker["Timeout"]
    assert worker["Environment"]["Variables"]["LEASE_SECONDS"] == str(events["VisibilityTimeout"])
    assert worker["Environment"]["Variables"]["TRIES_MAX"] == "5"
    assert events["MessageRetentionPeriod"] == 4 * 86_400
    assert dead["MessageRetentionPeriod"] == 14 * 86_400
    for queue in queues.values():
        assert queue["MaximumMessageSize"] == 1_048_576
        assert queue["SqsManagedSseEnabled"] is True
    assert source["BatchSize"] == 10
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": assembly.stage.worker.concurrency_max}


def test_plain_http_is_refused_but_by_the_embedded_aws(prod: Assembly, local: Assembly) -> None:
    policies = prod.resources("AWS::SQS::QueuePolicy").values()
    guarded = {queue for policy in policies for queue in policy["Queues"]}
    assert guarded == set(prod.resources("AWS::SQS::Queue"))
    for policy in policies:
        denied = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
        assert [one["Condition"] for one in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]
    for policy in local.resources("AWS::SQS::QueuePolicy").values():
        assert {one["Effect"] for one in policy["PolicyDocument"]["Statement"]} == {"Allow"}


def test_only_a_rule_of_the_bus_may_put_into_a_consumers_queue(prod: Assembly) -> None:
    allowed = {
        queue: statement
        for policy in prod.resources("AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    }
    rules = prod.resources("AWS::Events::Rule")
    # CloudTrail's events come over the account's own bus.
    rules.pop(f"paidonce-prod-{STRANGERS}")
    assert all(rule["EventBusName"] == "paidonce-prod-changes" for rule in rules.values())
    assert allowed.keys() == {f"{name}{kind}" for name in rules for kind in ("", "-dead")}
    for queue, statement in allowed.items():
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        rule = queue.removesuffix("-dead")
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"{rule}.Arn"}}


def test_each_route_asks_for_its_scope_in_both_forms(prod: Assembly) -> None:
    routes = prod.resources("AWS::ApiGatewayV2::Route")
    assert {key: route.get("AuthorizationScopes") for key, route in routes.items()} == {
        "POST /webhooks/stripe": None,
        "POST /webhooks/stripe/{endpoint}": None,
        "GET /config": None,
        "GET /openapi.json": None,
        "POST /payments": ["payments:write", "paidonce-prod/payments:write"],
        "GET /payments": ["payments:read", "paidonce-prod/payments:read"],
        "GET /payments/{id}": ["payments:read", "paidonce-prod/payments:read"],
        "GET /payments/{id}/client-secret": ["payments:write", "paidonce-prod/payments:write"],
        "POST /customers": ["customers:write", "paidonce-prod/customers:write"],
        "GET /customers/{id}": ["customers:read", "paidonce-prod/customers:read"],
        "POST /portal-sessions": ["customers:write", "paidonce-prod/customers:write"],
        "POST /checkout-sessions": ["payments:write", "paidonce-prod/payments:write"],
        "POST /subscriptions": ["subscriptions:write", "paidonce-prod/subscriptions:write"],
        "GET /subscriptions/{id}": ["subscriptions:read", "paidonce-prod/subscriptions:read"],
        "POST /subscriptions/{id}": ["subscriptions:write", "paidonce-prod/subscriptions:write"],
        "DELETE /subscriptions/{id}": ["subscriptions:write", "paidonce-prod/subscriptions:write"],
        "GET /prices": ["payments:read", "paidonce-prod/payments:read"],
        "POST /payments/{id}/capture": ["payments:write", "paidonce-prod/payments:write"],
        "POST /payments/{id}/cancel": ["payments:write", "paidonce-prod/payments:write"],
        "POST /refunds": ["refunds:write", "paidonce-prod/refunds:write"],
        "GET /refunds/{id}": ["refunds:read", "paidonce-prod/refunds:read"],
    }
    for route in routes.values():
        expected = "JWT" if route.get("AuthorizationScopes") else "NONE"
        assert route["AuthorizationType"] == expected


def test_webhooks_go_to_the_receiver_and_the_rest_to_the_api(prod: Assembly) -> None:
    integrations = prod.resources("AWS::ApiGatewayV2::Integration")
    for key, route in prod.resources("AWS::ApiGatewayV2::Route").items():
        integration = integrations[str(route["Target"]).removeprefix("integrations/")]
        receiver = "receivewebhook" in integration["IntegrationUri"]
        assert receiver == key.startswith("POST /webhooks/")


def test_the_webhook_has_a_throttle_of_its_own(prod: Assembly) -> None:
    (stage,) = prod.resources("AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 200,
        "ThrottlingBurstLimit": 400,
    }
    webhook = {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 2000}
    assert stage["RouteSettings"] == {
        "POST /webhooks/stripe": webhook,
        "POST /webhooks/stripe/{endpoint}": webhook,
    }
    (whole,) = prod.whole("AWS::ApiGatewayV2::Stage").values()
    waits_for = {re.sub(r"[0-9A-F]{8}$", "", name) for name in whole["DependsOn"]}
    assert {
        "WayInApiPOSTwebhooksstripe",
        "WayInApiPOSTwebhooksstripeendpoint",
    } <= waits_for


def test_access_logs_hold_ids_times_and_verdicts_only(prod: Assembly) -> None:
    (stage,) = prod.resources("AWS::ApiGatewayV2::Stage").values()
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"request_id", "route", "status", "took_ms", "function_request_id"} <= set(logged)
    for private in ("header", "querystring", "$context.authorizer.claims", "body", "jwt"):
        assert private not in stage["AccessLogSettings"]["Format"].lower()
    assert not stage["AccessLogSettings"]["DestinationArn"].endswith("*")


def test_with_a_domain_there_is_no_second_address(prod: Assembly, customised: Assembly) -> None:
    (api,) = customised.resources("AWS::ApiGatewayV2::Api").values()
    assert api["DisableExecuteApiEndpoint"] is True
    assert "CorsConfiguration" not in api
    assert customised.outputs()["ApiUrl"] == "https://pay.example.com"
    assert customised.outputs()["WebhookUrl"] == "https://pay.example.com/webhooks/stripe"
    (default,) = prod.resources("AWS::ApiGatewayV2::Api").values()
    assert default["DisableExecuteApiEndpoint"] is False
    assert default["CorsConfiguration"]["AllowOrigins"] == ["https://shop.example.com"]


def test_snap_start_and_architecture_are_stage_settings(customised: Assembly) -> None:
    for function in customised.resources("AWS::Lambda::Function").values():
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        assert function["Architectures"] == ["x86_64"]
