"""local and prod are one app: their templates differ only in what stages.toml says."""

import dataclasses
from collections.abc import Iterator
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

import pytest

from infra.stage import read_stage
from tests.infra.templates import STAGES, Assemblies, Assembly, spelt

FUNCTION = "service AWS::Lambda::Function"
RECEIVER = f"{FUNCTION} paidonce-STAGE-receive-webhook/Properties"
WORKER = f"{FUNCTION} paidonce-STAGE-apply-event/Properties"
RUNNER = f"{FUNCTION} paidonce-STAGE-run-operation/Properties"
ANSWERER = f"{FUNCTION} paidonce-STAGE-answer-fraud-warning/Properties"
NOTIFY = f"{FUNCTION} paidonce-STAGE-notify/Properties"
API = f"{FUNCTION} paidonce-STAGE-payments-api/Properties"
ROTATOR = f"{FUNCTION} paidonce-STAGE-rotate-secret/Properties"
RETIRER = f"{FUNCTION} paidonce-STAGE-retire-endpoints/Properties"
RECONCILER = f"{FUNCTION} paidonce-STAGE-reconcile/Properties"
REFUNDS = f"{FUNCTION} paidonce-STAGE-refunds-api/Properties"
VARIABLES = "Environment/Variables"

# Every difference between the templates of local and prod, under the setting that makes it.
MADE_BY = {
    "mode": [f"{FUNCTION} */{VARIABLES}/LIVEMODE"],
    "removal": [
        "storage AWS::*/DeletionPolicy",
        "storage AWS::*/UpdateReplacePolicy",
        "storage AWS::DynamoDB::Table */Properties/DeletionProtectionEnabled",
        "storage AWS::Cognito::UserPool */Properties/DeletionProtection",
    ],
    "enforce_ssl": [
        "service AWS::SQS::QueuePolicy *",
        "storage AWS::SNS::TopicPolicy *",
        "alarms AWS::SNS::TopicPolicy */Properties/PolicyDocument/Statement",
    ],
    "runtime.lambda_architecture": [
        f"{FUNCTION} */Properties/Architectures/0",
        "service AWS::Lambda::LayerVersion */Properties/CompatibleArchitectures/0",
    ],
    "runtime.lambda_python": [
        f"{FUNCTION} */Properties/Runtime",
        "service AWS::Lambda::LayerVersion */Properties/CompatibleRuntimes/0",
    ],
    "retention.log_days": ["service AWS::Logs::LogGroup */Properties/RetentionInDays"],
    "stripe.api_url": [f"{FUNCTION} */{VARIABLES}/STRIPE_API_URL"],
    "stripe.publishable_key": [f"{API}/{VARIABLES}/PUBLISHABLE_KEY"],
    "jwt.callback_urls": ["storage AWS::Cognito::UserPoolClient shop/Properties/CallbackURLs/0"],
    "http.cors_origins": [
        "service AWS::ApiGatewayV2::Api */Properties/CorsConfiguration/AllowOrigins/0"
    ],
    "receiver.secret_cache_seconds": [f"{RECEIVER}/{VARIABLES}/SECRET_CACHE_SECONDS"],
    "receiver.secret_refresh_seconds": [f"{RECEIVER}/{VARIABLES}/SECRET_REFRESH_SECONDS"],
    "worker.timeout_seconds": [f"{WORKER}/Timeout", f"{RUNNER}/Timeout"],
    "worker.concurrency_max": [
        "service AWS::Lambda::EventSourceMapping */Properties/ScalingConfig/MaximumConcurrency"
    ],
    "worker.visibility_seconds": [
        f"{WORKER}/{VARIABLES}/LEASE_SECONDS",
        "service AWS::SQS::Queue paidonce-STAGE-stripe-events/Properties/VisibilityTimeout",
        f"{RUNNER}/{VARIABLES}/LEASE_SECONDS",
        "service AWS::SQS::Queue paidonce-STAGE-stripe-operations/Properties/VisibilityTimeout",
    ],
    "worker.secret_cache_seconds": [
        f"{WORKER}/{VARIABLES}/SECRET_CACHE_SECONDS",
        f"{RUNNER}/{VARIABLES}/SECRET_CACHE_SECONDS",
        f"{ROTATOR}/{VARIABLES}/SECRET_CACHE_SECONDS",
        f"{RETIRER}/{VARIABLES}/SECRET_CACHE_SECONDS",
        f"{RECONCILER}/{VARIABLES}/SECRET_CACHE_SECONDS",
    ],
    "worker.wait_delays_seconds": [
        f"{WORKER}/{VARIABLES}/WAIT_DELAYS_SECONDS",
        f"{RUNNER}/{VARIABLES}/WAIT_DELAYS_SECONDS",
    ],
    "worker.not_yet_known_max_seconds": [f"{WORKER}/{VARIABLES}/NOT_YET_KNOWN_MAX_SECONDS"],
    "worker.try_again_max_seconds": [f"{WORKER}/{VARIABLES}/TRY_AGAIN_MAX_SECONDS"],
    "worker.failing_delays_seconds": [
        f"{WORKER}/{VARIABLES}/FAILING_DELAYS_SECONDS",
        f"{RUNNER}/{VARIABLES}/FAILING_DELAYS_SECONDS",
    ],
    "worker.fetch_timeout_seconds": [
        f"{WORKER}/{VARIABLES}/FETCH_TIMEOUT_SECONDS",
        f"{RUNNER}/{VARIABLES}/CALL_TIMEOUT_SECONDS",
    ],
    "operations.key_fresh_seconds": [f"{FUNCTION} */{VARIABLES}/KEY_FRESH_SECONDS"],
    "operations.look_back_seconds": [f"{FUNCTION} */{VARIABLES}/LOOK_BACK_SECONDS"],
    "operations.absent_after_seconds": [f"{FUNCTION} */{VARIABLES}/ABSENT_AFTER_SECONDS"],
    "operations.give_up_after_seconds": [f"{RUNNER}/{VARIABLES}/GIVE_UP_AFTER_SECONDS"],
    "payments_api.secret_cache_seconds": [
        f"{API}/{VARIABLES}/SECRET_CACHE_SECONDS",
        f"{REFUNDS}/{VARIABLES}/SECRET_CACHE_SECONDS",
    ],
    "payments_api.answers_kept_seconds": [f"{FUNCTION} */{VARIABLES}/ANSWERS_KEPT_SECONDS"],
    "breaker.probe_seconds": [f"{FUNCTION} */{VARIABLES}/BREAKER_PROBE_SECONDS"],
    "budgets.probe_per_second": [f"{ROTATOR}/{VARIABLES}/PROBE_BUDGET_PER_SECOND"],
    "rotation.timeout_seconds": [f"{ROTATOR}/Timeout", f"{RETIRER}/Timeout"],
    "rotation.retire_after_seconds": [f"{FUNCTION} */{VARIABLES}/RETIRE_AFTER_SECONDS"],
    "rotation.retire_schedule": [
        "service AWS::Scheduler::Schedule paidonce-STAGE-retire-endpoints/*/ScheduleExpression"
    ],
    "access.operators": [
        "service AWS::SecretsManager::ResourcePolicy */Condition/ArnNotLike/aws:PrincipalArn",
        "service AWS::IAM::Role Operator*/AssumeRolePolicyDocument/Statement/0/Condition",
    ],
    "access.tells_of_strangers": [
        "alarms AWS::Events::Rule paidonce-STAGE-secret-read-by-stranger",
    ],
    "reconcile.schedule": [
        "service AWS::Scheduler::Schedule paidonce-STAGE-reconcile/*/ScheduleExpression"
    ],
    "reconcile.missing_after_seconds": [f"{RECONCILER}/{VARIABLES}/MISSING_AFTER_SECONDS"],
    "reconcile.all_every_seconds": [f"{RECONCILER}/{VARIABLES}/ALL_EVERY_SECONDS"],
    "reconcile.stale_after_seconds": [f"{RECONCILER}/{VARIABLES}/STALE_AFTER_SECONDS"],
    "reconcile.compare_window_seconds": [f"{RECONCILER}/{VARIABLES}/COMPARE_WINDOW_SECONDS"],
    "reconcile.compare_back_seconds": [f"{RECONCILER}/{VARIABLES}/COMPARE_BACK_SECONDS"],
    "verify.settle_seconds": [f"{RECONCILER}/{VARIABLES}/SETTLE_SECONDS"],
    "catalogue.memory_seconds": [f"{API}/{VARIABLES}/CATALOGUE_MEMORY_SECONDS"],
    "catalogue.shared_seconds": [f"{API}/{VARIABLES}/CATALOGUE_SHARED_SECONDS"],
    "catalogue.unknown_seconds": [f"{API}/{VARIABLES}/CATALOGUE_UNKNOWN_SECONDS"],
    "consumers.timeout_seconds": [f"{NOTIFY}/Timeout", f"{ANSWERER}/Timeout"],
    "consumers.visibility_seconds": [
        "service AWS::SQS::Queue paidonce-STAGE-notices/Properties/VisibilityTimeout",
        "service AWS::SQS::Queue paidonce-STAGE-fraud-warnings/Properties/VisibilityTimeout",
    ],
    "publishing.due_after_seconds": [
        "alarms AWS::CloudWatch::Alarm paidonce-STAGE-changes-late/Properties/Threshold",
        f"{RECONCILER}/{VARIABLES}/DUE_AFTER_SECONDS",
    ],
    "publishing.stream_age_max_seconds": [
        "service AWS::Lambda::EventSourceMapping */Properties/MaximumRecordAgeInSeconds"
    ],
    "alarms.foreign_events": [
        "alarms AWS::CloudWatch::Alarm paidonce-STAGE-foreign-events/Properties/Threshold"
    ],
    "alarms.reconcile_must_run": [
        "alarms AWS::CloudWatch::Alarm paidonce-STAGE-unreconciled/Properties/TreatMissingData"
    ],
    "alarms.receiver_p99_ms": [
        "alarms AWS::CloudWatch::Alarm paidonce-STAGE-receiver-slow/Properties/Threshold"
    ],
}


NAMED = {
    "SQS::Queue": "QueueName",
    "DynamoDB::Table": "TableName",
    "Lambda::Function": "FunctionName",
    "Logs::LogGroup": "LogGroupName",
    "SecretsManager::Secret": "Name",
    "CloudWatch::Alarm": "AlarmName",
    "CloudWatch::CompositeAlarm": "AlarmName",
    "CloudWatch::Dashboard": "DashboardName",
    "Logs::QueryDefinition": "Name",
    "SNS::Topic": "TopicName",
    "Events::EventBus": "Name",
    "KMS::Alias": "AliasName",
    "Cognito::UserPool": "UserPoolName",
    "Cognito::UserPoolDomain": "Domain",
    "ApiGatewayV2::Api": "Name",
}


def differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            inside = f"{place}/{key}" if place else key
            yield from differences(one.get(key), other.get(key), inside)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, theirs, f"{place}/{index}")
    elif one != other:
        yield place


def test_local_and_prod_differ_in_these_places_by_these_settings(
    prod: Assembly, local: Assembly
) -> None:
    found = list(differences(spelt(local), spelt(prod)))
    unexplained = [
        place
        for place in found
        if sum(fnmatchcase(place, one) for made in MADE_BY.values() for one in made) != 1
    ]
    assert unexplained == []
    for setting, made in MADE_BY.items():
        value = attrgetter(setting)
        differs = value(local.stage) != value(prod.stage)
        # A host can be of prod's own kind.
        assert differs or setting.startswith("runtime.lambda_"), setting
        for pattern in made:
            assert any(fnmatchcase(place, pattern) for place in found) == differs, pattern


def test_nothing_but_settings_makes_a_stage_local(assemblies: Assemblies, prod: Assembly) -> None:
    """Under the name local, prod's settings give prod's templates: nothing asks for the name."""
    renamed = dataclasses.replace(read_stage(STAGES, "prod"), name="local")
    assert list(differences(spelt(assemblies.build("renamed", renamed)), spelt(prod))) == []


@pytest.mark.parametrize("name", ["dev", "staging"])
def test_the_stages_between_have_the_same_resources(
    assemblies: Assemblies, prod: Assembly, name: str
) -> None:
    assert spelt(assemblies.of(name)).keys() == spelt(prod).keys()
    assert assemblies.of(name).outputs().keys() == prod.outputs().keys()


def test_two_stages_can_live_in_one_account(assemblies: Assemblies) -> None:
    """No physical name of one is a name of the other."""
    names = [
        {
            str(properties[key])
            for kind, key in NAMED.items()
            for properties in assemblies.of(stage).resources(f"AWS::{kind}").values()
        }
        for stage in ("prod", "local")
    ]
    assert len(names[0]) == len(names[1]) > 20
    assert not names[0] & names[1]
